"""CLIP as the official repositories save it: its geometry, read off the shapes, and its names.

CLIP4Clip, X-CLIP, DRL, UCoFiA and TC-MGC hold OpenAI's CLIP under ``clip.``, whose names open_clip has
kept. X-Pool does too, or holds Hugging Face's, as its commands say (`official_hf_names`).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from tcmgc.errors import ConfigError, DataError
from tcmgc.slots.encoder import OfficialWeights

from .official_hf_names import HF_ONLY, from_hf, is_hf, to_hf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

PREFIX = "clip."
NAMES = ("clip", "hf")
HEAD_WIDTH = 64
"""Channels a head: no checkpoint has it, and the official code always divides the width by it."""
VOCABULARY = 49408
DEFAULTS = {"head_width": HEAD_WIDTH, "mlp_ratio": 4.0}
"""What open_clip takes where a configuration says nothing."""
NEEDED = {
    "visual.conv1.weight": 4,
    "visual.positional_embedding": 2,
    "token_embedding.weight": 2,
    "positional_embedding": 2,
    "text_projection": 2,
}
"""What the geometry is read off: names and numbers of dimensions."""


def read_clip(tensors: Mapping[str, Tensor], where: str) -> OfficialWeights:
    """Find CLIP in an official checkpoint.

    Parameters
    ----------
    tensors
        All tensors of the checkpoint by official name.
    where
        What errors call it.

    Returns
    -------
    OfficialWeights
        Weights under open_clip's names behind ``clip.``.

    Raises
    ------
    DataError
        When there is no CLIP, or one that open_clip cannot be told to compute.
    """
    _refuse_others(tensors, where)
    hf = is_hf(tensors)
    found = {name: tensor for name, tensor in tensors.items() if name.startswith(PREFIX)}
    if hf:
        ignored = tuple(name for name in found if name in HF_ONLY)
        weights, sources = from_hf(found)
    else:
        ignored, weights = (), found
        sources = {name: (name,) for name in found}
    shapes = {name.removeprefix(PREFIX): list(tensor.shape) for name, tensor in weights.items()}
    config = {"model": geometry(shapes, where), "pretrained": None}
    return OfficialWeights("hf" if hf else "clip", config, weights, sources, ignored)


def write_clip(weights: Mapping[str, Tensor], model: Mapping[str, Any], names: str) -> dict[str, Tensor]:
    """Undo `read_clip`.

    Parameters
    ----------
    weights
        Of an open_clip model, behind ``clip.``.
    model
        Its configuration.
    names
        ``clip`` for OpenAI's, ``hf`` for Hugging Face's.

    Raises
    ------
    ConfigError
        When the names are unknown.
    DataError
        When the official code would compute something else with these weights.
    """
    if names not in NAMES:
        raise ConfigError("names", found=repr(names), expected=f"one of {', '.join(NAMES)}")
    where = "encoder to export"
    _refuse_others(weights, where)
    shapes = {name.removeprefix(PREFIX): list(tensor.shape) for name, tensor in weights.items()}
    if different := _differences(model, geometry(shapes, where)):
        raise DataError(
            where,
            found=f"a CLIP with {', '.join(different)}",
            expected=f"what the official code makes of its shapes: {HEAD_WIDTH} channels a head, QuickGELU",
        )
    return to_hf(weights) if names == "hf" else dict(weights)


def geometry(shapes: Mapping[str, list[int]], where: str) -> dict[str, Any]:
    """Read a configuration of open_clip off the shapes of CLIP's weights.

    Parameters
    ----------
    shapes
        By OpenAI's names, without a prefix.
    where
        What errors call the checkpoint.
    """
    lacking = [name for name, dims in NEEDED.items() if len(shapes.get(name, ())) != dims]
    if lacking:
        raise DataError(
            where,
            found=f"no {PREFIX}{lacking[0]} with {NEEDED[lacking[0]]} dimensions",
            expected="a CLIP with a vision transformer, from which its size is read",
        )
    width, _, patch, patch_width = shapes["visual.conv1.weight"]
    grid = math.isqrt(max(shapes["visual.positional_embedding"][0] - 1, 0))
    vocabulary, text_width = shapes["token_embedding.weight"]
    if grid * grid + 1 != shapes["visual.positional_embedding"][0] or patch != patch_width or not grid:
        raise DataError(
            f"{where}: {PREFIX}visual",
            found=f"{shapes['visual.positional_embedding'][0]} positions, patches of {patch} x {patch_width}",
            expected="a square of square patches, and the class token",
        )
    for side, channels in (("visual", width), ("text", text_width)):
        if channels % HEAD_WIDTH:
            raise DataError(
                f"{where}: {PREFIX}{side}",
                found=f"a width of {channels}",
                expected=f"a multiple of {HEAD_WIDTH}, the channels of a head",
            )
    if vocabulary != VOCABULARY:
        raise DataError(
            f"{where}: {PREFIX}token_embedding.weight",
            found=f"{vocabulary} rows",
            expected=f"{VOCABULARY}, those of CLIP's tokenizer",
        )
    return {
        "embed_dim": shapes["text_projection"][1],
        "quick_gelu": True,
        "vision_cfg": {
            "image_size": grid * patch,
            "layers": _layers(shapes, "visual.transformer."),
            "width": width,
            "head_width": HEAD_WIDTH,
            "mlp_ratio": _mlp_ratio(shapes, "visual.transformer.", width),
            "patch_size": patch,
        },
        "text_cfg": {
            "context_length": shapes["positional_embedding"][0],
            "vocab_size": vocabulary,
            "width": text_width,
            "heads": text_width // HEAD_WIDTH,
            "layers": _layers(shapes, "transformer."),
            "mlp_ratio": _mlp_ratio(shapes, "transformer.", text_width),
        },
    }


def _layers(shapes: Mapping[str, list[int]], prefix: str) -> int:
    pattern = re.compile(re.escape(prefix) + r"resblocks\.(\d+)\.")
    return 1 + max((int(found[1]) for name in shapes if (found := pattern.match(name))), default=-1)


def _mlp_ratio(shapes: Mapping[str, list[int]], prefix: str, width: int) -> float:
    return shapes.get(f"{prefix}resblocks.0.mlp.c_fc.weight", [4 * width])[0] / width


def _refuse_others(tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuse by name what has another image tower, or none."""
    if shifted := [name for name in tensors if name.startswith(PREFIX) and ".attn.net." in name]:
        raise DataError(
            where,
            found=f"{shifted[0]}: a layer with UCoFiA's shift of patch tokens between neighbouring frames",
            expected="CLIP's own layers: the shift is not implemented, and without it scores would be others",
        )
    if any(name.startswith(f"{PREFIX}visual.layer1.") for name in tensors):
        raise DataError(where, found="a ResNet as CLIP's image tower", expected="a vision transformer")
    if not any(name.startswith((f"{PREFIX}visual.", f"{PREFIX}vision_model.")) for name in tensors):
        some = ", ".join(list(tensors)[:4])
        raise DataError(
            where,
            found=f"no names {PREFIX}visual.* and no {PREFIX}vision_model.*; the first are {some}",
            expected="a checkpoint with CLIP in it, as the official code saves it",
        )


def _differences(model: Mapping[str, Any], official: Mapping[str, Any]) -> list[str]:
    """Say in which settings a model is another than the official code makes of its shapes."""
    found = []
    for section in ("", "vision_cfg", "text_cfg"):
        have, want = (one.get(section, {}) if section else one for one in (model, official))
        for key in sorted(have.keys() | want.keys()):
            if isinstance(want.get(key), dict):
                continue
            value, expected = (one.get(key, DEFAULTS.get(key)) for one in (have, want))
            if value != expected and not (key not in want and value in (None, False)):
                found.append(f"{f'{section}.' if section else ''}{key} {value!r} in place of {expected!r}")
    return found

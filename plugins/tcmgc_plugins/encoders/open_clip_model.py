"""Making a CLIP with open_clip, and the errors it may end in."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch import nn

from tcmgc.errors import ConfigError, DataError, nearest

from .storyshapes_clip.compact_weights import expanded

CONFIGS = Path(__file__).parent / "storyshapes_clip" / "configs"
SHIPPED = {"storyshapes": Path(__file__).parent / "storyshapes_clip" / "weights.safetensors"}
HUB, FOLDER = "hf-hub:", "local-dir:"
BRINGS_WEIGHTS = (HUB, FOLDER)
"""How a name begins of a place that has a configuration and its weights."""
CHECKPOINTS = (".safetensors", ".pt", ".pth", ".bin", ".npz", ".npy")


def create_clip(model: str, pretrained: str | None) -> tuple[nn.Module, str]:
    """Make a model of open_clip, in float32 on the CPU.

    Parameters
    ----------
    model
        A name, a JSON file with a configuration, ``hf-hub:ORGANISATION/NAME`` or ``local-dir:FOLDER``.
    pretrained
        A tag, a local file, a name of `SHIPPED`, or None for initial weights, always the same ones. None for
        a model that brings its own.

    Returns
    -------
    tuple
        The model and its name.

    Raises
    ------
    ConfigError
        When the model or tag is unknown, or a file has the name of a model that open_clip has.
    DataError
        When the configuration makes no model, or the weights cannot be had, read or put in.
    """
    name = _known_name(model)
    own = name.startswith(BRINGS_WEIGHTS)
    source = _source(name, pretrained)
    needed = own or source is not None
    try:
        return _create(name, pretrained=source, require_pretrained=needed, weights_only=True), name
    except Exception as error:
        if not needed or not _can_be_made(name, model):
            raise DataError(
                f"encoder.model {model}",
                found=_said(error),
                expected="a configuration of which open_clip makes a model with the packages installed",
                hint="open_clip.get_model_config('ViT-B-32') is one",
            ) from error
        expected = (
            "a model that is on this machine or can be downloaded"
            if name.startswith(HUB)
            else "weights of this model in its folder"
            if own
            else "weights of this model: a tag that can be downloaded, or a local file"
        )
        raise DataError(
            f"encoder {name}, pretrained {pretrained}",
            found=_said(error),
            expected=expected,
            hint=None if own else "encoder.pretrained=FILE takes a checkpoint on disk",
        ) from error


def image_size_in_config(model: str) -> int | None:
    """Say the side of the images that a model takes, from its configuration alone.

    Parameters
    ----------
    model
        As `create_clip` takes it.

    Returns
    -------
    int or None
        None where the configuration lies elsewhere, or tells of no square images.
    """
    name = _known_name(model)
    if name.startswith(BRINGS_WEIGHTS):
        return None
    size = (open_clip.get_model_config(name) or {}).get("vision_cfg", {}).get("image_size")
    return size if isinstance(size, int) else None


def create_tokenizer(name: str) -> Any:
    """Make the tokenizer of a model that `create_clip` made.

    Parameters
    ----------
    name
        The model's.

    Raises
    ------
    DataError
        When it cannot be had: many models have one of Hugging Face, which ``transformers`` reads.
    """
    try:
        return open_clip.get_tokenizer(name)
    except Exception as error:
        raise DataError(
            f"tokenizer of encoder {name}",
            found=_said(error),
            expected="a tokenizer that is on this machine or can be downloaded",
            hint="pip install transformers" if isinstance(error, ImportError) else None,
        ) from error


@cache
def _names() -> frozenset[str]:
    """Return the names of open_clip's models and of those that ship, without those of users' files."""
    open_clip.add_model_config(CONFIGS)
    return frozenset(open_clip.list_models())


def _known_name(model: str) -> str:
    known = _names()
    path = Path(model)
    if model.startswith(FOLDER):
        _check_json(Path(model.removeprefix(FOLDER)) / "open_clip_config.json", "model_cfg")
        return model
    if model.startswith(HUB):
        return model
    if path.suffix == ".json":
        _check_json(path)
        if path.stem in known:
            # A configuration that is added stands for its name as long as the process lives.
            raise ConfigError(
                f"encoder.model {path}",
                found=f"the name of another model, {path.stem}",
                expected="a file with a name that open_clip does not have",
            )
        open_clip.add_model_config(path)
        return path.stem
    if model not in known and model not in open_clip.list_models():
        raise ConfigError(
            "encoder.model",
            found=f"unknown model {model!r}",
            expected="a model of open_clip (open_clip.list_models()), a JSON file, "
            "hf-hub:ORGANISATION/NAME or local-dir:FOLDER",
            hint=nearest(model, known),
        )
    return model


def _create(name: str, **how: Any) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)  # not torch.manual_seed, which reseeds GPUs too
        clip: nn.Module = open_clip.create_model(name, **how)
        return clip


def _can_be_made(name: str, model: str) -> bool:
    """Tell whether a user's configuration makes a model, whatever the weights are; open_clip's own do."""
    in_folder = name.startswith(FOLDER)
    if not in_folder and name == model:
        return True
    try:
        # No weights: neither the folder's nor those of single towers.
        _create(name, pretrained_hf=False, **({"load_weights": False} if in_folder else {}))
    except Exception:  # of any library
        return False
    return True


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0] or 'no message'}"


def _check_json(path: Path, key: str | None = None) -> None:
    """Refuse a file that has no configuration, at the top or under a key."""
    names = "embed_dim, vision_cfg, text_cfg"
    expected = f"a configuration of open_clip: {names}" + ("" if key is None else f" under {key}")
    try:
        config: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"encoder.model {path}", found=str(error), expected=expected) from None
    if key is not None and isinstance(config, dict):
        config = config.get(key)
    if not isinstance(config, dict) or not {*names.split(", ")} <= config.keys():
        raise DataError(f"encoder.model {path}", found="other keys", expected=expected)


def _source(name: str, pretrained: str | None) -> str | None:
    if pretrained is None:
        return None
    if name.startswith(BRINGS_WEIGHTS):
        raise ConfigError(
            "encoder.pretrained",
            found=f"{pretrained!r} beside {name}, which brings its own weights",
            expected="null",
            hint="encoder.pretrained=null",
        )
    if pretrained in SHIPPED:
        return str(expanded(SHIPPED[pretrained]))
    tags = open_clip.list_pretrained_tags_by_model(name)
    if pretrained in tags:  # whatever lies beside the user under that name
        return pretrained
    path = Path(pretrained)
    if path.suffix in CHECKPOINTS or path.exists():
        if not path.is_file():
            found = "a directory" if path.is_dir() else "no such file"
            raise DataError(f"encoder.pretrained {pretrained}", found=found, expected="a checkpoint")
        return str(path.resolve())
    raise ConfigError(
        "encoder.pretrained",
        found=f"unknown tag {pretrained!r} of {name}",
        expected=f"one of {', '.join(tags)}, or a file" if tags else "a file: this model has no tags",
        hint=nearest(pretrained, [*tags, *SHIPPED]),
    )

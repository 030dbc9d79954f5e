"""Hugging Face's names of CLIP's weights, as X-Pool's checkpoints have them, and OpenAI's.

Queries, keys and values are three tensors there and one here; the two projections are transposed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

HF_ONLY = frozenset({"clip.text_model.embeddings.position_ids", "clip.vision_model.embeddings.position_ids"})
"""Buffers that count positions, and say nothing."""
STEMS = {
    "clip.vision_model.embeddings.patch_embedding": "clip.visual.conv1",
    "clip.vision_model.pre_layrnorm": "clip.visual.ln_pre",
    "clip.vision_model.post_layernorm": "clip.visual.ln_post",
    "clip.text_model.final_layer_norm": "clip.ln_final",
    "clip.text_model.embeddings.token_embedding": "clip.token_embedding",
}
"""Modules, whose weights and biases keep their names."""
TENSORS = {
    "clip.logit_scale": "clip.logit_scale",
    "clip.vision_model.embeddings.class_embedding": "clip.visual.class_embedding",
    "clip.vision_model.embeddings.position_embedding.weight": "clip.visual.positional_embedding",
    "clip.text_model.embeddings.position_embedding.weight": "clip.positional_embedding",
}
TRANSPOSED = {
    "clip.visual_projection.weight": "clip.visual.proj",
    "clip.text_projection.weight": "clip.text_projection",
}
TOWERS = {
    "clip.vision_model.encoder.layers": "clip.visual.transformer.resblocks",
    "clip.text_model.encoder.layers": "clip.transformer.resblocks",
}
IN_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
PARTS = ("q", "k", "v")
"""In the order of the rows of ``in_proj``."""
LAYER = re.compile(r"(.+)\.(\d+)\.(.+)\.(weight|bias)")
IN_PROJECTION = re.compile(r"(.+)\.(\d+)\.attn\.in_proj_(weight|bias)")


def is_hf(tensors: Mapping[str, Tensor]) -> bool:
    """Whether CLIP bears Hugging Face's names."""
    return any(name.startswith("clip.vision_model.") for name in tensors)


def from_hf(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, tuple[str, ...]]]:
    """Translate Hugging Face's names to OpenAI's.

    Parameters
    ----------
    tensors
        By Hugging Face's names behind ``clip.``; what is none of them is left out.

    Returns
    -------
    tuple
        The tensors by OpenAI's names, and the Hugging Face names that each was made of.
    """
    weights: dict[str, Tensor] = {}
    sources: dict[str, tuple[str, ...]] = {}
    for name, tensor in tensors.items():
        target = _clip_name(name)
        if target is not None:
            weights[target] = tensor.T.contiguous() if name in TRANSPOSED else tensor
            sources[target] = (name,)
    for name in tensors:
        found = LAYER.fullmatch(name)
        if found is None or found[3] != "self_attn.q_proj" or found[1] not in TOWERS:
            continue
        three = tuple(name.replace("q_proj", f"{part}_proj") for part in PARTS)
        if all(one in tensors for one in three):
            target = f"{TOWERS[found[1]]}.{found[2]}.attn.in_proj_{found[4]}"
            weights[target] = torch.cat([tensors[one] for one in three])
            sources[target] = three
    return weights, sources


def to_hf(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo `from_hf`; the buffers of `HF_ONLY` are not made."""
    found: dict[str, Tensor] = {}
    transposed = {ours: theirs for theirs, ours in TRANSPOSED.items()}
    names = {_clip_name(name): name for name in (*TENSORS, *TRANSPOSED)}
    stems = {ours: theirs for theirs, ours in STEMS.items()}
    towers = {ours: theirs for theirs, ours in TOWERS.items()}
    in_layer = {ours: theirs for theirs, ours in IN_LAYER.items()}
    for name, tensor in tensors.items():
        stem, _, last = name.rpartition(".")
        if (joint := IN_PROJECTION.fullmatch(name)) is not None:
            for part, rows in zip(PARTS, tensor.chunk(3), strict=True):
                found[f"{towers[joint[1]]}.{joint[2]}.self_attn.{part}_proj.{joint[3]}"] = rows.contiguous()
        elif name in transposed:
            found[transposed[name]] = tensor.T.contiguous()
        elif name in names:
            found[names[name]] = tensor
        elif stem in stems:
            found[f"{stems[stem]}.{last}"] = tensor
        elif (layer := LAYER.fullmatch(name)) is not None:
            found[f"{towers[layer[1]]}.{layer[2]}.{in_layer[layer[3]]}.{layer[4]}"] = tensor
    return found


def _clip_name(name: str) -> str | None:
    """Translate the name of a tensor that corresponds to one; None where there is none."""
    if name in TENSORS or name in TRANSPOSED:
        return TENSORS.get(name) or TRANSPOSED[name]
    stem, _, last = name.rpartition(".")
    if stem in STEMS:
        return f"{STEMS[stem]}.{last}"
    found = LAYER.fullmatch(name)
    if found is None or found[1] not in TOWERS or found[3] not in IN_LAYER:
        return None
    return f"{TOWERS[found[1]]}.{found[2]}.{IN_LAYER[found[3]]}.{found[4]}"

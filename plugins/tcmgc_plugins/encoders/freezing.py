"""Which weights of a CLIP training leaves as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

Freeze = Literal["nothing", "embeddings", "all"]

EMBEDDINGS = (
    "token_embedding.",
    "positional_embedding",
    "visual.conv1.",
    "visual.class_embedding",
    "visual.positional_embedding",
    "visual.ln_pre.",
)
"""What CLIP4Clip and its descendants leave frozen (``freeze_layer_num 0``)."""
BLOCK = re.compile(r"(?:visual\.)?transformer\.resblocks\.(\d+)\.")


def freeze_weights(clip: nn.Module, freeze: Freeze, layers: int) -> None:
    """Say of every weight whether it is trained.

    CLIP4Clip's ``freeze_layer_num n``, which X-CLIP and UCoFiA have too, is ``embeddings`` with n layers:
    trained are the blocks from the n-th on of both towers, ``ln_final``, ``text_projection``,
    ``visual.ln_post`` and ``visual.proj``. DRL and X-Pool train everything, ``nothing``.

    Parameters
    ----------
    clip
        A model of open_clip. Its logit scale is never trained: the one that is belongs to the model.
    freeze
        As `OpenClip` takes it.
    layers
        Blocks of each tower, from the first, that are frozen with the embeddings.

    Raises
    ------
    ValueError
        When layers are to be frozen and the embeddings not, or there are less of them in every tower.
    """
    names = [(key.removeprefix("text."), parameter) for key, parameter in clip.named_parameters()]
    blocks = 1 + max((int(found[1]) for name, _ in names if (found := BLOCK.match(name))), default=-1)
    if layers and freeze != "embeddings":
        raise ValueError(f"freeze_layers = {layers} goes with freeze: embeddings, not with {freeze}")
    if layers > blocks:
        raise ValueError(f"freeze_layers = {layers}, but no tower has more than {blocks} blocks")
    for name, parameter in names:
        block = BLOCK.match(name)
        early = name.startswith(EMBEDDINGS) or (block is not None and int(block[1]) < layers)
        frozen = freeze == "all" or (freeze == "embeddings" and early)
        parameter.requires_grad_(not (frozen or name == "logit_scale"))

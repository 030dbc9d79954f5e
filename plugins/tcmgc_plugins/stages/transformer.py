"""Temporal transformer over frames (seqTransf)."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from tcmgc import Size
from tcmgc.features import VideoFeatures
from tcmgc.slots.text_start import TextStart
from tcmgc_plugins.blocks.transformer import attention_blocks, initialize_linear, start_from_text


class TemporalTransformer(nn.Module):
    """Frames plus learned positions through a transformer, plus the frames themselves.

    ``f' = blocks(f + positions) + f``; the outer residual is without positions. Frames enter and leave
    un-normalised. Padded frames are masked as keys.

    Parameters
    ----------
    layers
        Transformer blocks.
    heads
        Attention heads; null for D // 64.
    positions
        Rows of the position table, the longest video in frames.
    init
        ``text``: blocks and positions start as copies of the first ones of the encoder's text tower, where
        there is an encoder that has them; ``normal``: N(0, 0.02), biases 0.
    dim, max_frames
        Injected.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, sequential type (seqTransf)"

    def __init__(
        self,
        *,
        layers: Annotated[int, Field(ge=1)] = 4,
        heads: Annotated[int, Field(ge=1)] | None = None,
        positions: Annotated[int, Field(ge=1)] = 77,
        init: Literal["text", "normal"] = "text",
        dim: Size,
        max_frames: Size,
    ) -> None:
        super().__init__()
        if max_frames > positions:
            raise ValueError(f"{max_frames} frames a video, but positions = {positions}")
        self.init = init
        self.position_embeddings = nn.Embedding(positions, dim)
        self.resblocks = attention_blocks(layers=layers, dim=dim, heads=heads)
        initialize_linear(self.position_embeddings)

    def start_from_text(self, start: TextStart) -> None:
        """Start as the text tower, where `init` says so: `tcmgc_plugins.blocks.transformer`."""
        if self.init == "text":
            start_from_text(self.resblocks, self.position_embeddings, start)

    def forward(self, features: VideoFeatures) -> VideoFeatures:
        """Replace `VideoFeatures.frames`, [V, F, D]."""
        frames = features.frames
        positions = torch.arange(frames.values.shape[1], device=frames.values.device)
        x_VFD = frames.values + self.position_embeddings(positions)
        for block in self.resblocks:
            x_VFD = block(x_VFD, frames.mask)
        return features.with_frames(x_VFD + frames.values)

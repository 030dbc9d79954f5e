"""The cross-encoder of CLIP4Clip's tight type (tightTransf)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tcmgc import Size
from tcmgc.features import TextFeatures, VideoFeatures
from tcmgc.scores import Scores
from tcmgc.slots.text_start import TextStart
from tcmgc.state import State
from tcmgc_plugins.blocks.transformer import (
    LAYER_NORM_EPS,
    QuickGELU,
    attention_blocks,
    initialize_linear,
    start_from_text,
)


class CrossEncoder(nn.Module):
    """Sentence and frames of every pair as one sequence through a transformer, to one number.

    ``[s, f_1 .. f_F]``, un-normalised, plus positions, then dropout; a masked transformer; then of the
    first place layer norm, a linear layer, QuickGELU and a linear layer to a scalar. Neither
    normalisation nor logit scale.

    Parameters
    ----------
    layers
        Transformer blocks.
    heads
        Attention heads; null for D // 64.
    positions
        Rows of the position table: the longest video in frames, plus one.
    init
        ``text``: blocks and positions start as copies of the first ones of the encoder's text tower, where
        there is an encoder that has them; ``normal``: N(0, 0.02), biases 0.
    dropout
        On the sequence after the positions are added, in training. The transformer itself has none.
    dim, max_frames
        Injected.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, tight type (tightTransf)"
    inputs: ClassVar[frozenset[str]] = frozenset({"sentence", "frames"})

    def __init__(
        self,
        *,
        layers: Annotated[int, Field(ge=1)] = 4,
        heads: Annotated[int, Field(ge=1)] | None = None,
        positions: Annotated[int, Field(ge=2)] = 77,
        init: Literal["text", "normal"] = "text",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
        dim: Size,
        max_frames: Size,
    ) -> None:
        super().__init__()
        if max_frames + 1 > positions:
            raise ValueError(f"{max_frames} frames and a sentence a pair, but positions = {positions}")
        self.init = init
        self.position_embeddings = nn.Embedding(positions, dim)
        self.dropout = nn.Dropout(dropout)
        self.resblocks = attention_blocks(layers=layers, dim=dim, heads=heads)
        self.ln_pool = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.dense = nn.Linear(dim, dim)
        self.activation = QuickGELU()
        self.similarity_dense = nn.Linear(dim, 1)
        for part in (self.position_embeddings, self.dense, self.similarity_dense):
            initialize_linear(part)
        # A block keeps about the input, packed q, k, v, and the hidden layer of width 4 D.
        self.floats_per_pair = 9 * (max_frames + 1) * dim

    def start_from_text(self, start: TextStart) -> None:
        """Start as the text tower, where `init` says so: `tcmgc_plugins.blocks.transformer`."""
        if self.init == "text":
            start_from_text(self.resblocks, self.position_embeddings, start)

    def prepare_text(self, text: TextFeatures) -> State:
        """Keep the sentence, [T, 1, D]."""
        return {"sentence": text.tokens("sentence").values}

    def prepare_video(self, video: VideoFeatures) -> State:
        """Keep the frames [V, F, D] and their mask [V, F]."""
        return {"frames": video.frames.values, "mask": video.frames.mask}

    def forward(self, text: State, video: State, logit_scale: Tensor) -> Scores:
        """Score the tile; one part, ``cross``."""
        sentence_T1D, frames_VFD, mask_VF = text["sentence"], video["frames"], video["mask"]
        T, (V, F, D) = len(sentence_T1D), frames_VFD.shape
        pairs = torch.cat(
            [sentence_T1D[:, None].expand(T, V, 1, D), frames_VFD[None].expand(T, V, F, D)], dim=2
        ).flatten(end_dim=1)
        mask = torch.cat([mask_VF.new_ones(V, 1), mask_VF], dim=1).expand(T, V, F + 1).flatten(end_dim=1)
        x = self.dropout(pairs + self.position_embeddings(torch.arange(F + 1, device=pairs.device)))
        for block in self.resblocks:
            x = block(x, mask)
        pooled = self.activation(self.dense(self.ln_pool(x[:, 0])))
        total = self.similarity_dense(pooled).view(T, V)
        return Scores(total, {"cross": total})

    def aggregate(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Return the only part."""
        return parts["cross"]

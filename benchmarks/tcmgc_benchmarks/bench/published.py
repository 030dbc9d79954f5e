"""TC-MGC's scores as the release computes them: a D-vector of every (text, word, video), in 64 x 64 blocks.

The attention is evaluated once per word, in a loop; the release does so twice and throws one away, which is
left out here. The weights are those of a model of recipe ``tcmgc`` as released, without stages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import layer_norm, linear

if TYPE_CHECKING:
    from torch import Tensor

    from tcmgc import RetrievalModel, TextFeatures, VideoFeatures

BLOCK = 64
"""Texts and videos a block, as in the release's evaluation."""
LAMBDA = 100.0
"""Of every softmax of ISA."""


class Published:
    """The published formulation, with a model's weights.

    Parameters
    ----------
    model
        Of recipe ``tcmgc``, variant ``released``, with ``stages.video=[]``.
    """

    def __init__(self, model: RetrievalModel) -> None:
        weights = model.state_dict()
        self._scale = weights["logit_scale"].exp()
        self._view = _under("scorer.views.video.", weights)
        self._own = _under("scorer.granularities.", weights)
        self._aggregator = weights["scorer.aggregator.matrix"]
        rate = model.recipe.config["granularities"]["frame-word"]["reorganizer"]["keep_rate"]
        self._k = max(1, int(rate * model.sizes.max_words))

    @torch.no_grad()
    def scores(self, text: TextFeatures, video: VideoFeatures) -> Tensor:
        """Score T texts against V videos, block by block: [T, V]."""
        rows = []
        for start in range(0, len(text), BLOCK):
            texts = text[start : start + BLOCK]
            blocks = [
                self.block(texts, video[first : first + BLOCK]) for first in range(0, len(video), BLOCK)
            ]
            rows.append(torch.cat(blocks, dim=1))
        return torch.cat(rows)

    @torch.no_grad()
    def block(self, text: TextFeatures, video: VideoFeatures) -> Tensor:
        """Score one block: [T, V]."""
        assert text.sentence is not None
        assert text.words is not None
        words_TWD, frames_VFD = text.words.values, video.frames.values
        video_TVD = _unit(self._pool(text.sentence, frames_VFD))
        pooled = [self._pool(words_TWD[:, word], frames_VFD) for word in range(words_TWD.shape[1])]
        frames_TVWD = _unit(torch.stack(pooled, dim=2))
        sentence_TD, word_TWD = _unit(text.sentence), _unit(words_TWD)
        own, k = self._own, self._k

        video_sentence = torch.einsum(
            "td,tvd->tv", sentence_TD @ own["video-sentence.text_matrix"], video_TVD
        )
        video_word = torch.einsum("twd,tvd->tvw", word_TWD, video_TVD).topk(k, dim=-1).values
        video_word = isa(video_word, own["video-word.interaction.matrix"])
        ranked = torch.einsum("td,tvwd->tvw", sentence_TD, frames_TVWD).sort(dim=-1, descending=True).values
        kept, rest = ranked[..., :k], ranked[..., k:]
        fused = (rest.softmax(dim=-1) * rest).sum(dim=-1, keepdim=True)
        sentence_frame = isa(torch.cat([kept, fused], dim=-1), own["sentence-frame.interaction.matrix"])
        local_TWD = word_TWD @ own["frame-word.text_matrix"]
        matrix = torch.einsum("tpd,tvqd->tvpq", local_TWD, frames_TVWD)
        matrix = matrix.topk(k, dim=-2).values.topk(k, dim=-1).values
        frame_word = self._both_orders(matrix)
        parts = self._scale * torch.stack([video_sentence, video_word, sentence_frame, frame_word], dim=-1)
        weighted: Tensor = (parts @ self._aggregator).softmax(dim=-1) * parts
        return weighted.sum(dim=-1)

    def _pool(self, query_TD: Tensor, frames_VFD: Tensor) -> Tensor:
        """Pool the frames of every video for one query a text: [T, V, D]."""
        query, frames = self._norm("layer_norm1", query_TD), self._norm("layer_norm1", frames_VFD)
        weights_VFT = (frames @ query.T / query_TD.shape[-1] ** 0.5).softmax(dim=1)
        pooled_VTD = (frames.transpose(1, 2) @ weights_VFT).transpose(1, 2)
        o = self._norm("layer_norm2", pooled_VTD)
        projected = linear(o, self._view["linear_proj.weight"], self._view["linear_proj.bias"])
        pooled_TVD: Tensor = self._norm("layer_norm3", o + projected).transpose(0, 1)
        return pooled_TVD

    def _norm(self, name: str, x: Tensor) -> Tensor:
        return layer_norm(x, x.shape[-1:], self._view[f"{name}.weight"], self._view[f"{name}.bias"])

    def _both_orders(self, matrix_TVPQ: Tensor) -> Tensor:
        orders = _under("frame-word.interaction.orders.", self._own)
        over_words = isa(matrix_TVPQ.transpose(-1, -2), orders["word_first"])
        over_frames = isa(matrix_TVPQ, orders["frame_first"])
        return (isa(over_words, orders["frame_second"]) + isa(over_frames, orders["word_second"])) / 2


def isa(x: Tensor, matrix: Tensor) -> Tensor:
    """Aggregate [..., L] to [...]: ``sum_j x_j softmax_j(lambda softmax(lambda x) U)``."""
    weights = (LAMBDA * ((LAMBDA * x).softmax(dim=-1) @ matrix)).softmax(dim=-1)
    aggregated: Tensor = (weights * x).sum(dim=-1)
    return aggregated


def _unit(x: Tensor) -> Tensor:
    norms: Tensor = x.norm(dim=-1, keepdim=True)
    return x / norms


def _under(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}

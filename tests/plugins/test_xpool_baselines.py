"""X-Pool's parameter-free pooling: under masks, and what a reader would compute by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tcmgc import Sizes, TextFeatures, Tokens, VideoFeatures, build
from tcmgc_plugins.views.similarity_attention import SimilarityAttention
from tcmgc_plugins.views.top_k import TopK

if TYPE_CHECKING:
    from tcmgc_plugins.views.top_k import Dense

T, V, F, D = 3, 2, 5, 8


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / x.norm(dim=-1, keepdim=True)


@pytest.fixture
def queries() -> Tokens:
    return Tokens.full(torch.randn(T, 1, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64))


@pytest.fixture
def frames() -> Tokens:
    values = torch.randn(V, F, D, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return Tokens(values, torch.tensor([[True] * 5, [True, True, False, False, False]]))


def pooled(view: TopK | SimilarityAttention, queries: Tokens, frames: Tokens) -> Dense:
    return view(queries, view.prepare(frames))


def test_top_k_sums_the_most_similar(queries: Tokens, frames: Tokens) -> None:
    visual = pooled(TopK(k=2), queries, frames)
    f, q = unit(frames.values[0]), unit(queries.values[1, 0])
    best = sorted(range(F), key=lambda i: -(f[i] @ q).item())[:2]
    torch.testing.assert_close(visual.values[1, 0, 0], f[best].sum(dim=0))
    assert visual.attention()[1, 0, 0].nonzero().flatten().tolist() == sorted(best)  # type: ignore[index]


def test_attention_weighs_by_the_softmax(queries: Tokens, frames: Tokens) -> None:
    visual = pooled(SimilarityAttention(temperature=0.2), queries, frames)
    f, q = unit(frames.values[0]), unit(queries.values[1, 0])
    torch.testing.assert_close(visual.values[1, 0, 0], (f @ q / 0.2).softmax(dim=0) @ f)


@pytest.mark.parametrize("view", [TopK(k=3), SimilarityAttention()], ids=["top-k", "attention"])
def test_padding_is_not_there(view: TopK | SimilarityAttention, queries: Tokens, frames: Tokens) -> None:
    zeros = Tokens(frames.values.masked_fill(~frames.mask[..., None], 0), frames.mask)
    alone = Tokens.full(frames.values[1:, :2])
    expected = pooled(view, queries, alone).values
    for given in (frames, zeros):
        torch.testing.assert_close(pooled(view, queries, given).values[:, 1:], expected)


@pytest.mark.parametrize("view", [TopK(frame_mask=False), SimilarityAttention(frame_mask=False)])
def test_without_a_mask_padding_counts(
    view: TopK | SimilarityAttention, queries: Tokens, frames: Tokens
) -> None:
    blind = pooled(view, queries, Tokens.full(frames.values))
    torch.testing.assert_close(pooled(view, queries, frames).values, blind.values)
    assert blind.mask is not None
    assert blind.mask.all()


@pytest.mark.parametrize("variant", ["top-k", "attention"])
def test_a_video_without_frames_scores_0_and_has_gradients(variant: str, frames: Tokens) -> None:
    switch = "views.video.frame_mask=true"
    model = build("xpool", Sizes(D, 1, F), variant=variant, overrides=[switch], dtype=torch.float64)
    values = frames.values.clone()
    values[1] = 0
    values.requires_grad_()
    mask = frames.mask.clone()
    mask[1] = False
    scores = model(TextFeatures(torch.eye(D, dtype=torch.float64)[:2]), VideoFeatures(Tokens(values, mask)))
    assert (scores.total[:, 1] == 0).all()
    scores.total.sum().backward()
    assert values.grad is not None
    assert values.grad.isfinite().all()

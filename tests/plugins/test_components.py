"""Components against slow oracles written as the papers' sums, one pair at a time."""

from __future__ import annotations

import math
import warnings

import pytest
import torch

from tcmgc import Similarity, Sizes, Tokens
from tcmgc_plugins.aggregators.lsa import LinearSoftmax
from tcmgc_plugins.interactions.aosm import aosm
from tcmgc_plugins.interactions.isa import BiIsa, isa
from tcmgc_plugins.interactions.wti import WeightedTokenInteraction
from tcmgc_plugins.reorganizers.bi_prune import BiPrune
from tcmgc_plugins.reorganizers.fuse import Fuse
from tcmgc_plugins.reorganizers.prune import Prune
from tcmgc_plugins.reorganizers.selection import KeepRateWarning, kept_count
from tcmgc_plugins.views.attention import Attention
from tcmgc_plugins.views.mean import Mean

GENERATOR = torch.Generator().manual_seed(3)
T, V, P, Q, D = 2, 3, 7, 5, 8


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def softmax(values: list[float]) -> list[float]:
    top = max(values)
    exponentials = [math.exp(value - top) for value in values]
    return [e / sum(exponentials) for e in exponentials]


def row_times(row: list[float], matrix: torch.Tensor) -> list[float]:
    return [sum(row[i] * matrix[i, j].item() for i in range(len(row))) for j in range(matrix.shape[1])]


def slow_isa(x: list[float], matrix: torch.Tensor, temperature: float) -> float:
    inner = row_times(softmax([v / temperature for v in x]), matrix)
    weights = softmax([v / temperature for v in inner])
    return sum(w * v for w, v in zip(weights, x, strict=True))


def slow_aosm(x: list[float], matrix: torch.Tensor, temperature: float) -> float:
    weights = row_times(softmax([v / temperature for v in x]), matrix)
    return sum(w * v for w, v in zip(weights, x, strict=True))


@pytest.mark.parametrize(("fast", "slow"), [(isa, slow_isa), (aosm, slow_aosm)])
def test_vector_interactions(fast: object, slow: object) -> None:
    x, matrix = random(T, V, P), random(P, P)
    ours = fast(x, matrix, None, temperature=0.3)  # type: ignore[operator]
    for t in range(T):
        for v in range(V):
            assert ours[t, v].item() == pytest.approx(slow(x[t, v].tolist(), matrix, 0.3), abs=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize(("fast", "slow"), [(isa, slow_isa), (aosm, slow_aosm)])
def test_masked_entries_are_as_if_they_were_not_there(fast: object, slow: object) -> None:
    x, matrix = random(P), random(P, P)
    kept = [0, 2, 3, 6]
    mask = torch.zeros(P, dtype=torch.bool)
    mask[kept] = True
    ours = fast(x, matrix, mask, temperature=0.3)  # type: ignore[operator]
    alone = slow([x[i].item() for i in kept], matrix[kept][:, kept], 0.3)  # type: ignore[operator]
    assert ours.item() == pytest.approx(alone, abs=1e-12)
    nothing = fast(x.requires_grad_(), matrix, torch.zeros(P, dtype=torch.bool), temperature=0.3)  # type: ignore[operator]
    nothing.backward()
    assert nothing.item() == 0
    assert torch.isfinite(x.grad).all()


def test_bi_isa_is_the_mean_of_both_orders() -> None:
    values = random(T, V, P, Q)
    component = BiIsa(temperature=0.3, text_length=P, video_length=Q).double()
    for parameter in component.parameters():
        parameter.data = random(*parameter.shape)
    ours = component(Similarity(values), {}, {})
    m = values[1, 2]
    first = [slow_isa(m[:, q].tolist(), component.orders.word_first, 0.3) for q in range(Q)]
    second = [slow_isa(m[p].tolist(), component.orders.frame_first, 0.3) for p in range(P)]
    expected = slow_isa(first, component.orders.frame_second, 0.3) + slow_isa(
        second, component.orders.word_second, 0.3
    )
    assert ours[1, 2].item() == pytest.approx(expected / 2, abs=1e-12)


def test_prune_and_fuse() -> None:
    values = random(T, V, 1, P)
    sizes = {"text_length": 1, "video_length": P}
    pruned = Prune(keep_rate=0.5, **sizes)
    fused = Fuse(keep_rate=0.5, **sizes)
    assert pruned.lengths(1, P) == (1, 3)
    assert fused.lengths(1, P) == (1, 4)
    x = sorted(values[1, 2, 0].tolist(), reverse=True)
    rest = x[3:]
    expected = [*x[:3], sum(w * r for w, r in zip(softmax(rest), rest, strict=True))]
    assert pruned(Similarity(values)).values[1, 2, 0].tolist() == pytest.approx(expected[:3])
    assert fused(Similarity(values)).values[1, 2, 0].tolist() == pytest.approx(expected)
    column = Fuse(keep_rate=0.5, text_length=P, video_length=1)(Similarity(values.mT))
    assert column.values[1, 2, :, 0].tolist() == pytest.approx(expected)


def test_masked_words_are_kept_only_where_real_ones_run_out() -> None:
    values = torch.tensor([5.0, 1.0, 4.0, 2.0, 3.0, 9.0]).view(1, 1, 6, 1)
    sizes = {"text_length": 6, "video_length": 1}
    mask = torch.tensor([True, True, False, True, True, False]).view(1, 1, 6, 1)
    pruned = Prune(keep_rate=0.5, **sizes)(Similarity(values, mask))
    assert pruned.values.flatten().tolist() == [5, 3, 2]
    assert pruned.mask is not None
    assert pruned.mask.all()
    fused = Fuse(keep_rate=0.5, **sizes)(Similarity(values, mask))
    assert fused.values.flatten().tolist() == [5, 3, 2, 1]  # one real entry is left to fuse
    few = torch.tensor([True, False, False, True, False, False]).view(1, 1, 6, 1)
    fused = Fuse(keep_rate=0.5, **sizes)(Similarity(values, few))
    assert fused.values.flatten().tolist()[:2] == [5, 2]
    assert fused.mask is not None
    assert fused.mask.flatten().tolist() == [True, True, False, False]
    assert torch.isfinite(fused.values).all()


def test_fuse_with_nothing_left_has_no_fused_entry() -> None:
    component = Fuse(keep_rate=1.0, text_length=P, video_length=1)
    assert component.lengths(P, 1) == (P, 1)
    assert component(Similarity(random(T, V, P, 1))).values.shape == (T, V, P, 1)


def test_bi_prune_is_words_first() -> None:
    values = random(T, V, P, Q)
    component = BiPrune(keep_rate=0.5, text_length=P, video_length=Q)
    assert component.lengths(P, Q) == (3, 2)
    columns = [sorted(values[1, 2, :, q].tolist(), reverse=True)[:3] for q in range(Q)]
    rows = [sorted((column[i] for column in columns), reverse=True)[:2] for i in range(3)]
    assert component(Similarity(values)).values[1, 2].tolist() == [pytest.approx(row) for row in rows]


def test_kept_count_truncates_and_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [kept_count(0.1, 32), kept_count(0.1, 64), kept_count(0.3, 12)] == [3, 6, 3]
    with pytest.warns(KeepRateWarning, match=r"keep_rate 0.1 of 6 entries keeps none"):
        assert kept_count(0.1, 6) == 1


def test_lsa() -> None:
    component = LinearSoftmax(parts=3).double()
    component.matrix.data = random(3, 3)
    parts = random(T, V, 3)
    c = parts[1, 2].tolist()
    expected = sum(w * x for w, x in zip(softmax(row_times(c, component.matrix)), c, strict=True))
    assert component(parts)[1, 2].item() == pytest.approx(expected)


@pytest.mark.parametrize(("masked", "best"), [("zero", 0.0), ("exclude", -0.25)])
def test_wti_and_padding(masked: str, best: float) -> None:
    """All real similarities are negative: a masked zero wins in the release, and may not when excluded."""
    component = WeightedTokenInteraction(layers=1, masked=masked, dim=D)  # type: ignore[arg-type]
    values = torch.full((1, 1, 3, 2), -0.25)
    mask = (
        torch.tensor([[True, True, False]])[:, None, :, None]
        & torch.tensor([[True, False]])[:, None, None, :]
    )
    text = {"weights": torch.tensor([[0.5, 0.5, 0.0]])}
    video = {"weights": torch.tensor([[1.0, 0.0]])}
    assert component(Similarity(values, mask), text, video).item() == pytest.approx(best)


def test_attention_is_the_formula_and_a_mask_removes_frames() -> None:
    view = Attention(dim=D, heads=2, init="normal", dropout=0.0).double()
    queries, frames = random(T, 2, D), random(V, Q, D)
    mask = torch.ones(V, Q, dtype=torch.bool)
    mask[1, 3:] = False
    visual = view(Tokens.full(queries), view.prepare(Tokens(frames, mask)))
    f, q = view.layer_norm1(frames[1, :3]), view.layer_norm1(queries[0, 1])
    heads = []
    for h in (slice(0, 4), slice(4, 8)):
        logits = view.k_proj(f)[:, h] @ view.q_proj(q)[h] / math.sqrt(4)
        heads.append(logits.softmax(0) @ view.v_proj(f)[:, h])
    o = view.layer_norm2(view.out_proj(torch.cat(heads)))
    expected = view.layer_norm3(o + view.linear_proj(o))
    assert torch.allclose(visual.values[0, 1, 1], expected, atol=1e-12)
    weights = visual.attention()
    assert weights is not None
    assert weights.shape == (T, V, 2, Q)
    assert torch.allclose(weights.sum(-1), torch.ones(T, V, 2).double())
    assert (weights[:, 1, :, 3:] == 0).all()


def test_mean_view_ignores_padding_whatever_it_holds() -> None:
    frames = random(V, Q, D)
    mask = torch.arange(Q) < 2
    tokens = Tokens(frames, mask.expand(V, Q))
    dirty = Tokens(frames.masked_fill(~mask[:, None], 0.0), mask.expand(V, Q))
    expected = (frames[:, :2] / frames[:, :2].norm(dim=-1, keepdim=True)).mean(dim=1, keepdim=True)
    for given in (tokens, dirty):  # zeros in padding would be 0/0 when normalised
        pooled = Mean()(None, Mean().prepare(given)).values
        assert torch.allclose(pooled, expected)


def test_sizes_are_checked() -> None:
    with pytest.raises(Exception, match="at least 1"):
        Sizes(dim=0, max_words=1, max_frames=1)

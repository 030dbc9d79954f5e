"""The k largest by compare-exchange, and what is fused without sorting, against sorts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tcmgc.similarity import Similarity
from tcmgc_plugins.reorganizers.bi_prune import BiPrune
from tcmgc_plugins.reorganizers.fuse import Fuse
from tcmgc_plugins.reorganizers.prune import Prune
from tcmgc_plugins.reorganizers.selection_network import ROWS, by_network, k_largest

T, V = 3, 4
LENGTHS = st.integers(1, 40)
SEEDS = st.integers(0, 10_000)
RANGES = st.sampled_from([1.0, 1e-3, 300.0])


def draw(shape: tuple[int, ...], seed: int, *, ties: bool, width: float = 1.0) -> torch.Tensor:
    values = width * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (2 * values / width).round() * width if ties else values


@given(
    length=LENGTHS, k=st.integers(1, 40), inner=st.sampled_from([1, 5, 16]), seed=SEEDS, ties=st.booleans()
)
def test_k_largest_equals_topk(length: int, k: int, inner: int, seed: int, ties: bool) -> None:
    values = draw((2, length, inner), seed, ties=ties)
    k = min(k, length)
    for dim in (1, -2):
        assert torch.equal(by_network(values, k, dim), values.topk(k, dim=1).values)
    turned = values.transpose(1, 2)
    assert torch.equal(by_network(turned, k, -1), turned.topk(k, dim=-1).values)


@pytest.mark.parametrize("rows", [ROWS - 1, ROWS])
def test_the_number_of_rows_changes_nothing(rows: int) -> None:
    values = draw((rows, 9), 0, ties=True)
    assert torch.equal(k_largest(values, 4, 1), values.topk(4, dim=1).values)


def test_nan_is_not_lost() -> None:
    values = torch.tensor([[1.0, float("nan"), 3.0, 2.0]])
    assert k_largest(values, 2, 1).isnan().any()
    assert by_network(values, 2, 1).isnan().any()


def reorganized(component: Fuse | Prune | BiPrune, values: torch.Tensor, mask: torch.Tensor | None) -> None:
    """Hold the way without gradients, which sorts nothing, to the one with gradients, which does."""
    found = component(Similarity(values, mask))
    expected = component(Similarity(values.clone().requires_grad_(), mask))
    if mask is None:
        assert found.mask is None
        assert torch.allclose(found.values, expected.values.detach(), rtol=1e-12, atol=1e-12)
        return
    assert found.mask is not None
    assert expected.mask is not None
    assert torch.equal(found.mask, expected.mask)
    zeros = [each.values.detach().masked_fill(~found.mask, 0) for each in (found, expected)]
    assert torch.allclose(*zeros, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")
@given(length=LENGTHS, rate=st.floats(0.05, 1), seed=SEEDS, ties=st.booleans(), width=RANGES, real=LENGTHS)
def test_without_sorting(length: int, rate: float, seed: int, ties: bool, width: float, real: int) -> None:
    """Ties between what is kept and what is fused, values of every size, and masks that leave little."""
    values = draw((T, V, length, 1), seed, ties=ties, width=width)
    mask = (torch.arange(length) < real)[:, None].expand(T, V, length, 1)
    for given_mask in (None, mask, torch.zeros_like(mask)):
        for component in (Fuse, Prune):
            made = component(keep_rate=rate, text_length=length, video_length=1)
            reorganized(made, values, given_mask)
        turned = None if given_mask is None else given_mask.transpose(-1, -2)
        reorganized(
            Fuse(keep_rate=rate, text_length=1, video_length=length), values.transpose(-1, -2), turned
        )


@pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")
@given(words=LENGTHS, frames=LENGTHS, seed=SEEDS, ties=st.booleans())
def test_both_directions_without_sorting(words: int, frames: int, seed: int, ties: bool) -> None:
    values = draw((T, V, words, frames), seed, ties=ties)
    mask = torch.rand(T, V, words, frames, generator=torch.Generator().manual_seed(seed)) < 0.7
    for given_mask in (None, mask):
        made = BiPrune(keep_rate=0.2, text_length=words, video_length=frames)
        reorganized(made, values, given_mask)

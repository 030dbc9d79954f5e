"""FLOPs of single operations, by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from tcmgc.cost.matmul_flops import MatmulFlops

if TYPE_CHECKING:
    from collections.abc import Callable


def r(*shape: int) -> torch.Tensor:
    return torch.randn(*shape)


def flops(work: Callable[[], object]) -> int:
    with torch.no_grad(), MatmulFlops() as counter:
        work()
    return counter.total


CASES: dict[str, tuple[Callable[[], object], int]] = {
    "mm": (lambda: r(3, 5) @ r(5, 7), 2 * 3 * 5 * 7),
    "mv": (lambda: r(3, 5) @ r(5), 2 * 3 * 5),
    "dot": (lambda: r(5) @ r(5), 2 * 5),
    "bmm": (lambda: r(2, 3, 5) @ r(2, 5, 7), 2 * 2 * 3 * 5 * 7),
    "baddbmm": (lambda: torch.baddbmm(r(2, 3, 7), r(2, 3, 5), r(2, 5, 7)), 2 * 2 * 3 * 5 * 7),
    "addmv": (lambda: torch.addmv(r(3), r(3, 5), r(5)), 2 * 3 * 5),
    "linear": (lambda: functional.linear(r(2, 3, 5), r(7, 5), r(7)), 2 * 2 * 3 * 5 * 7),
    "einsum": (lambda: torch.einsum("tpd,tvqd->tvpq", r(2, 3, 5), r(2, 4, 6, 5)), 2 * 2 * 3 * 5 * 4 * 6),
    "lstm": (lambda: nn.LSTM(5, 6, batch_first=True)(r(2, 3, 5)), 2 * 2 * 3 * 4 * (5 * 6 + 6 * 6)),
    "convolution": (lambda: functional.conv1d(r(2, 4, 9), r(6, 2, 3), groups=2), 2 * 2 * 6 * 7 * 2 * 3),
    "transposed": (lambda: functional.conv_transpose1d(r(2, 4, 9), r(4, 6, 3)), 2 * 2 * 4 * 9 * 6 * 3),
    "attention": (
        lambda: functional.scaled_dot_product_attention(r(2, 3, 5, 8), r(2, 3, 7, 8), r(2, 3, 7, 8)),
        2 * 2 * 3 * 5 * 7 * (8 + 8),
    ),
    "masked attention": (
        lambda: functional.scaled_dot_product_attention(
            r(2, 3, 5, 8), r(2, 3, 7, 8), r(2, 3, 7, 8), attn_mask=torch.ones(5, 7, dtype=torch.bool)
        ),
        2 * 2 * 3 * 5 * 7 * (8 + 8),
    ),
    "element by element": (lambda: torch.sort((r(3, 5) * r(3, 5)).softmax(dim=-1)), 0),
}
UNKNOWN_TO_TORCH = {"lstm", "attention", "masked attention"}
"""On a CPU, where they are one operation."""
LEFT_OUT_BY_TORCH = {"mv", "dot", "addmv"}
"""Of matrices with a vector."""


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    work, expected = CASES[name]
    assert flops(work) == expected


@pytest.mark.parametrize("name", [name for name in CASES if name not in UNKNOWN_TO_TORCH | LEFT_OUT_BY_TORCH])
def test_as_torchs_counter(name: str) -> None:
    work, expected = CASES[name]
    with FlopCounterMode(display=False) as counter:
        work()
    assert counter.get_total_flops() == expected


@pytest.mark.parametrize("name", CASES)
def test_in_inference_mode(name: str) -> None:
    """Which leaves operations whole."""
    work, expected = CASES[name]
    with torch.inference_mode():
        assert flops(work) == expected


def test_adds_up() -> None:
    assert flops(lambda: r(3, 5) @ r(5, 7) @ r(7, 2)) == 2 * (3 * 5 * 7 + 3 * 7 * 2)

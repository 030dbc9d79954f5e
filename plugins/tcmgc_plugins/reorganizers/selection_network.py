"""The k largest by compare-exchange alone: exact, without a sort of every row, all rows at once.

`torch.topk` sorts row after row. Maxima and minima of whole tensors run at the speed of memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

LANES = 16
"""Entries that have to lie together for a row of the network to be worth a vector instruction."""
ROWS = 4096
"""Rows that it takes for the network's many calls to cost less than `torch.topk`'s many sorts."""


def leading(values: Tensor, dim: int) -> Tensor:
    """Bring a dimension to the front; copied where the entries at one place of it do not lie together."""
    inner = values.shape[dim:][1:].numel() if dim < 0 else values.shape[dim + 1 :].numel()
    moved = values.movedim(dim, 0)
    return moved if inner >= LANES else moved.contiguous()


def k_largest(values: Tensor, k: int, dim: int) -> Tensor:
    """Return the k largest along a dimension, in descending order, as `torch.topk` does.

    Every place starts as a sorted list of one. Lists are merged in pairs, and keep at most k entries. Of a
    few rows, `torch.topk` does it, unless it is compiled, which makes few kernels of all the calls.

    Parameters
    ----------
    values
        Any shape, at least k along ``dim``.
    k
        How many.
    dim
        The dimension.

    Returns
    -------
    Tensor
        The same shape, but for k along ``dim``. NaN where there is a NaN among the entries.
    """
    if values.numel() < ROWS * values.shape[dim] and not torch.compiler.is_compiling():
        return values.topk(k, dim=dim).values
    return by_network(values, k, dim)


def by_network(values: Tensor, k: int, dim: int) -> Tensor:
    """Do what `k_largest` does, whatever the size."""
    lists = [leading(values, dim)]
    odd: list[Tensor] | None = None
    while (length := len(lists[0])) > 1:
        half = length // 2
        if length % 2:
            last = [entries[-1:] for entries in lists]
            odd = last if odd is None else merge(odd, last, k)
        lists = merge([e[:half] for e in lists], [e[half : 2 * half] for e in lists], k)
    if odd is not None:
        lists = merge(lists, odd, k)
    return torch.cat(lists).movedim(0, dim)


def merge(one: Sequence[Tensor], other: Sequence[Tensor], k: int) -> list[Tensor]:
    """Merge descending lists a and b: entry n is ``max over i + j = n of min(a_i, b_j)``, a_0 = b_0 infinite.

    Each list is a sequence of tensors of one shape, its first entries, its second ones, and so on.
    """
    merged = []
    for n in range(1, min(k, len(one) + len(other)) + 1):
        candidates = [entries[n - 1] for entries in (one, other) if n <= len(entries)]
        candidates += [
            torch.minimum(one[i - 1], other[n - i - 1])
            for i in range(1, n)
            if i <= len(one) and n - i <= len(other)
        ]
        best = candidates[0]
        for candidate in candidates[1:]:
            best = torch.maximum(best, candidate)
        merged.append(best)
    return merged

"""Roots of several Gram matrices below each other, so that one matrix product serves all norms of a tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.factored import gram_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

HALVED = 32
"""Vectors from which on it is worth a second product to leave out the quarter of a triangle that is zeros."""


def stacked_roots(sets: Sequence[Tensor], others_VNA: Tensor) -> Tensor:
    """Stack the roots of three sets of vectors, and three further rows.

    Parameters
    ----------
    sets
        The sets, each [V, A, D].
    others_VNA
        Rows that are wanted as they are, N = 3 where `root_images` reads them.

    Returns
    -------
    Tensor
        [V, 3 R + N, A], R = min(A, D): the first halves of all roots, the other rows, the second halves.
    """
    roots_VSRA = torch.stack([gram_root(vectors) for vectors in sets], dim=1)
    half = roots_VSRA.shape[2] // 2
    first, second = roots_VSRA[:, :, :half].flatten(1, 2), roots_VSRA[:, :, half:].flatten(1, 2)
    return torch.cat([first, others_VNA, second], dim=1)


def root_images(roots: Tensor, weights: Tensor, dim: int) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Return squared norms of combinations of three sets of vectors, and their products with three others.

    Parameters
    ----------
    roots
        [V, 3 R + 3, A] of `stacked_roots`.
    weights
        [V, A, N].
    dim
        D of the vectors.

    Returns
    -------
    tuple
        Three times [V, N], and three times [V, N].
    """
    A = weights.shape[1]
    R = min(A, dim)
    half = R // 2
    middle = 3 * half + 3
    if A < HALVED or roots.requires_grad:
        # What is below the diagonal is 0, and its gradient is not.
        images = roots @ weights
        first, second = images[:, :middle], images[:, middle:]
    else:
        first, second = roots[:, :middle] @ weights, roots[:, middle:, half:] @ weights[:, half:]
    squares = _square_sums(first[:, : middle - 3]) + _square_sums(second)
    return squares.unbind(dim=1), first[:, middle - 3 :].unbind(dim=1)


def _square_sums(images_VRN: Tensor) -> Tensor:
    """Sum the squares of each third of the rows: [V, 3, N]."""
    V, rows, N = images_VRN.shape
    return images_VRN.view(V, 3, rows // 3, N).square().sum(dim=2)


def products(one_VRD: Tensor, other_VAD: Tensor) -> Tensor:
    """Multiply every vector with every other, [V, R, A], in float32 at least."""
    half = torch.float16, torch.bfloat16  # under autocast one of the two may be
    one, other = (each.float() if each.dtype in half else each for each in (one_VRD, other_VAD))
    with torch.autocast(one_VRD.device.type, enabled=False):
        return one @ other.transpose(-1, -2)

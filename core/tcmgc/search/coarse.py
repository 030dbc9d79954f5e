"""The coarse search: a few vectors a video, one a text, and the greatest cosine of the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from tcmgc.visual import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.features import Tokens

COARSE_VECTORS = 4
"""M, where nobody says how many; docs/search.md has what others find."""
ROWS = 2**14
"""Videos that are compared at a time, so that a mapped file is never in memory as a whole."""


class Coarse(Protocol):
    """Finds the videos that may be what a text asks for."""

    name: str
    """What it is, for people."""

    def search(self, queries_TD: NDArray[np.float32], most: int) -> NDArray[np.int64]:
        """Return the rows of the ``most`` nearest videos, best first, [T, most]; -1 where there are fewer."""
        ...


def coarse_vectors(frames: Tokens, *, most: int) -> torch.Tensor:
    """Sum a video up in a few vectors, without a text: [V, M, D], unit vectors.

    Its frames, at unit norm, are a sequence; the two neighbours with the greatest cosine become one, their
    sum, until M are left: parts of a video that show one thing each. A text looks for the nearest of them.
    Padding does not count; where there are fewer frames than M, the last vector is there several times.

    Parameters
    ----------
    frames
        [V, F, D], as the scorer gets them: behind the recipe's stages.
    most
        M, at least 1.
    """
    mask_VF = frames.mask
    V, F = mask_VF.shape
    first = mask_VF.long().argsort(dim=1, descending=True, stable=True)  # masks may have holes
    sums_VGD = _picked(unit(frames.values, mask_VF).masked_fill(~mask_VF.unsqueeze(-1), 0), first)
    left_V = mask_VF.sum(dim=1)
    places = torch.arange(F, device=mask_VF.device)
    for groups in range(F, most, -1):
        pairs = places[: groups - 1]
        cosines_VP = torch.nn.functional.cosine_similarity(sums_VGD[:, :-1], sums_VGD[:, 1:], dim=-1)
        cosines_VP = cosines_VP.masked_fill(pairs + 1 >= left_V.unsqueeze(1), -torch.inf)
        merges_V = left_V == groups
        at_V = cosines_VP.argmax(dim=1)
        merged_VGD = sums_VGD.clone()
        rows = torch.arange(V, device=mask_VF.device)
        merged_VGD[rows, at_V] += sums_VGD[rows, at_V + 1] * merges_V.unsqueeze(1)
        behind_VP = (pairs > at_V.unsqueeze(1)) & merges_V.unsqueeze(1)
        sums_VGD = _picked(merged_VGD, pairs + behind_VP.long())
        left_V = left_V - merges_V.long()
    kept = torch.minimum(torch.arange(most, device=mask_VF.device), left_V.unsqueeze(1) - 1)
    return unit(_picked(sums_VGD, kept))


def _picked(values_VGD: torch.Tensor, places_VM: torch.Tensor) -> torch.Tensor:
    return values_VGD.gather(1, places_VM.unsqueeze(-1).expand(-1, -1, values_VGD.shape[-1]))


class MatrixCoarse:
    """Compares a text with every video, exactly: one matrix product.

    Parameters
    ----------
    vectors_VMD
        The videos', float32 or float16; mapped or in memory.
    """

    name = "every video, by a matrix product"

    def __init__(self, vectors_VMD: NDArray[np.float32] | NDArray[np.float16]) -> None:
        self._vectors_VMD = vectors_VMD

    def search(self, queries_TD: NDArray[np.float32], most: int) -> NDArray[np.int64]:
        """Return the rows of the nearest videos."""
        V, M, D = self._vectors_VMD.shape
        queries = torch.from_numpy(queries_TD)
        kept, rows = torch.empty(len(queries), 0), torch.empty(len(queries), 0, dtype=torch.int64)
        for start in range(0, V, ROWS):
            block = torch.from_numpy(self._vectors_VMD[start : start + ROWS]).float()
            cosines = (queries @ block.view(-1, D).T).view(len(queries), -1, M).amax(dim=2)
            best = cosines.topk(min(most, len(block)), dim=1)
            kept = torch.cat([kept, best.values], dim=1)
            rows = torch.cat([rows, best.indices + start], dim=1)
            order = kept.argsort(dim=1, descending=True, stable=True)[:, :most]
            kept, rows = kept.gather(1, order), rows.gather(1, order)
        found = np.full((len(queries), most), -1, np.int64)
        found[:, : rows.shape[1]] = rows.numpy()
        return found

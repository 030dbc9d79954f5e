"""The coarse search: one vector a video, one a text, and their cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from tcmgc.visual import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.features import VideoFeatures

ROWS = 2**16
"""Vectors that are compared at a time, so that a mapped file is never in memory as a whole."""


class Coarse(Protocol):
    """Finds the videos that may be what a text asks for."""

    name: str
    """What it is, for people."""

    def search(self, queries_TD: NDArray[np.float32], most: int) -> NDArray[np.int64]:
        """Return the rows of the ``most`` nearest videos, best first, [T, most]; -1 where there are fewer."""
        ...


def coarse_vectors(video: VideoFeatures) -> torch.Tensor:
    """Return the unit mean of the unit embeddings of each video's frames, [V, D].

    They are the encoder's own embeddings, whatever a recipe's stages make of them, and no text is needed.
    Padding does not count.
    """
    frames = video.tokens("raw_frames")
    unit_VFD = unit(frames.values, frames.mask).masked_fill(~frames.mask.unsqueeze(-1), 0)
    return torch.nn.functional.normalize(unit_VFD.sum(dim=1), dim=-1)


class MatrixCoarse:
    """Compares a text with every video, exactly: one matrix product.

    Parameters
    ----------
    vectors_VD
        The videos', float32 or float16; mapped or in memory.
    """

    name = "every video, by a matrix product"

    def __init__(self, vectors_VD: NDArray[np.float32] | NDArray[np.float16]) -> None:
        self._vectors_VD = vectors_VD

    def search(self, queries_TD: NDArray[np.float32], most: int) -> NDArray[np.int64]:
        """Return the rows of the nearest videos."""
        V = len(self._vectors_VD)
        queries = torch.from_numpy(queries_TD)
        kept, rows = torch.empty(len(queries), 0), torch.empty(len(queries), 0, dtype=torch.int64)
        for start in range(0, V, ROWS):
            block = torch.from_numpy(self._vectors_VD[start : start + ROWS])
            cosines = queries @ block.float().T
            best = cosines.topk(min(most, len(block)), dim=1)
            kept = torch.cat([kept, best.values], dim=1)
            rows = torch.cat([rows, best.indices + start], dim=1)
            order = kept.argsort(dim=1, descending=True, stable=True)[:, :most]
            kept, rows = kept.gather(1, order), rows.gather(1, order)
        found = np.full((len(queries), most), -1, np.int64)
        found[:, : rows.shape[1]] = rows.numpy()
        return found

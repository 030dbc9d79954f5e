"""Which items outrank each query's relevant one: what is needed to rank it in a smaller gallery.

A rank alone says how many items are above; which of them would be gone with a video is not in it. Two bits
for every pair of query and item are enough for all metrics, whatever part of the gallery is left: an item
scores higher than the relevant one, or as high. That is a sixteenth of the similarities themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .ranking import Ranking
from .similarity_checks import block_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Int1D, Matrix
    from .ranking import Direction

ONES = np.array([value.bit_count() for value in range(256)], dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class Outranking:
    """One direction's pairs of Q queries and I items, where each query has one relevant item.

    Parameters
    ----------
    above
        uint8 [Q, ceil(I / 8)], a bit for each item (`numpy.packbits`): it scores higher than the relevant.
    level
        The same for items that score as high; the relevant one is among them.
    items
        I.
    """

    above: NDArray[np.uint8]
    level: NDArray[np.uint8]
    items: int

    def ranking(self, queries: Int1D, items: Int1D) -> Ranking:
        """Rank some queries among some items.

        Parameters
        ----------
        queries
            Places of the queries, in the order of the result.
        items
            Places of the items that are left; every query's own has to be among them.
        """
        left_I = np.zeros(self.items, dtype=np.bool_)
        left_I[items] = True
        left = np.packbits(left_I)
        above_Q, size_Q = (_count(bits[queries], left) for bits in (self.above, self.level))
        start_Q = np.arange(len(queries) + 1)
        return Ranking(above_Q, size_Q, np.ones_like(above_Q), start_Q, len(items))


def outranking(similarity_TV: Matrix, video_of_text_T: Int1D, direction: Direction) -> Outranking:
    """Compare every query's items to its relevant one.

    Parameters
    ----------
    similarity_TV
        Scores [T, V] that `tcmgc.ranking.rank` takes.
    video_of_text_T
        Column [T] of each text's video.
    direction
        Which side searches; videos search groups of captions, each scored by its best.
    """
    texts, videos = similarity_TV.shape
    width = -(-videos // 8)
    queries = texts if direction == "t2v" else videos
    above, level = np.empty((2, queries, width), dtype=np.uint8)
    order_T = np.argsort(video_of_text_T, kind="stable")
    starts_V = np.searchsorted(video_of_text_T[order_T], np.arange(videos))
    rows = block_width(videos if direction == "t2v" else texts)
    for start in range(0, queries, rows):
        block = slice(start, start + rows)
        if direction == "t2v":
            scores_QV, own_Q = similarity_TV[block], video_of_text_T[block]
        else:
            scores_QV = np.maximum.reduceat(similarity_TV[:, block][order_T], starts_V, axis=0).T
            own_Q = np.arange(videos)[block]
        own_Q1 = np.take_along_axis(scores_QV, own_Q[:, None], axis=1)
        above[block] = np.packbits(scores_QV > own_Q1, axis=1)
        level[block] = np.packbits(scores_QV == own_Q1, axis=1)
    return Outranking(above, level, videos)


def _count(bits_QB: NDArray[np.uint8], left_B: NDArray[np.uint8]) -> Int1D:
    """Count the bits of each row that are in a mask, [Q]."""
    counts_Q = np.empty(len(bits_QB), dtype=np.int64)
    rows = block_width(bits_QB.shape[1])
    for start in range(0, len(bits_QB), rows):
        block = slice(start, start + rows)
        counts_Q[block] = ONES[bits_QB[block] & left_B].sum(axis=1, dtype=np.int64)
    return counts_Q

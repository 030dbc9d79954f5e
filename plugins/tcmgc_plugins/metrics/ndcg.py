"""Normalised discounted cumulative gain."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from tcmgc.ranking import Ranking
    from tcmgc.slots.metric import Ties


class NDCG:
    """Normalised discounted cumulative gain of the full ranking, times 100.

    DCG = sum over relevant items of 1 / log2(1 + rank), divided by that of the best order: gain 1 for
    every relevant item, no cut-off. Under the ``caption-group`` rule and in text-to-video search one item
    is relevant; under ``best-caption`` every caption of the video is. A tie group of n items, R of them
    relevant, contributes R / n of the discounts of its n positions in expectation, and the R largest or
    smallest of them at best or worst.
    """

    paper: ClassVar[str] = (
        "Jarvelin & Kekalainen, Cumulated Gain-Based Evaluation of IR Techniques, TOIS 20(4), 2002; under "
        "ties: McSherry & Najork, ECIR 2008"
    )

    def __call__(self, ranking: Ranking, ties: Ties) -> dict[str, float]:
        """Return ``ndcg`` in percent."""
        # discount[r]: summed over the first r ranks.
        discount = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(2.0 + np.arange(ranking.items)))])
        above_G, size_G, relevant_G = ranking.above, ranking.size, ranking.relevant
        end_G = above_G + size_G
        if ties == "optimistic":
            gain_G = discount[above_G + relevant_G] - discount[above_G]
        elif ties == "pessimistic":
            gain_G = discount[end_G] - discount[end_G - relevant_G]
        else:
            gain_G = (discount[end_G] - discount[above_G]) * (relevant_G / size_G)
        first_Q = ranking.start[:-1]
        ideal_Q = discount[np.add.reduceat(relevant_G, first_Q)]
        return {"ndcg": 100.0 * float((np.add.reduceat(gain_G, first_Q) / ideal_Q).mean())}

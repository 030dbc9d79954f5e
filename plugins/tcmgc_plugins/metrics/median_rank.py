"""Median rank."""

from __future__ import annotations

from bisect import bisect_left
from math import log, sqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tcmgc.first_relevant import first_rank_cdf
from tcmgc.poisson_binomial import probability_below

if TYPE_CHECKING:
    from tcmgc.ranking import Ranking
    from tcmgc.slots.metric import Ties

NEGLIGIBLE = 1e-20
"""Probability, per threshold, that the expectation below ignores."""


class MedianRank:
    """Median rank of the first relevant item, counted from 1.

    For an even number of queries it is the mean of the two middle ranks, as numpy's; ``torch.median``,
    which some published codes call, returns the lower one.
    """

    paper: ClassVar[str] = (
        "Hodosh, Young & Hockenmaier, Framing Image Description as a Ranking Task, JAIR 47, 2013; "
        "expectation under ties: order statistics by the Poisson binomial distribution of Hong, CSDA 59, 2013"
    )

    def __call__(self, ranking: Ranking, ties: Ties) -> dict[str, float]:
        """Return ``mdr``."""
        if ties == "expected":
            return {"mdr": expected_median(ranking)}
        return {"mdr": float(np.median(ranking.first_rank(ties)))}


def expected_median(ranking: Ranking) -> float:
    """Exact expectation of the median rank over independent tie orders.

    With N(x) the number of queries whose rank is at most x, the j-th smallest of Q ranks has expectation
    sum over x >= 0 of P(N(x) < j). N(x) is Poisson-binomial, since queries break their ties
    independently; the median is the mean of the order statistics (Q + 1) // 2 and Q // 2 + 1.

    Parameters
    ----------
    ranking
        One direction.

    Returns
    -------
    float
        A rank, counted from 1.
    """
    above_U, size_U, relevant_U, queries_U = ranking.distinct_best_groups()
    random_U = size_U > relevant_U
    if not random_U.any():
        return float(np.median(ranking.first_rank("expected")))

    def mean_within(x: int) -> float:
        return float(queries_U @ first_rank_cdf(above_U, size_U, relevant_U, x))

    middle = np.array([(ranking.queries + 1) // 2, ranking.queries // 2 + 1])
    # Hoeffding's inequality: N(x) strays further than this from its mean with negligible probability,
    # which leaves a band of thresholds to compute: before it P = 1, after it P = 0.
    slack = sqrt(float(queries_U[random_U].sum()) * -log(NEGLIGIBLE) / 2)
    thresholds = range(int((above_U + size_U).max()))
    first = bisect_left(thresholds, middle[0] - slack, key=mean_within)
    last = bisect_left(thresholds, middle[1] + slack, key=mean_within)
    expectation = np.full(2, float(first))
    for x in range(first, last):
        expectation += probability_below(middle, first_rank_cdf(above_U, size_U, relevant_U, x), queries_U)
    return float(expectation.mean())

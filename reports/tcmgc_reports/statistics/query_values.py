"""What each query contributes to each metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .columns import NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.ranking import Ranking


def query_values(ranking: Ranking) -> NDArray[np.float64]:
    """Each query's value for each metric, in expectation over the orders of tied items.

    The recalls, their sum and the mean rank are the means of their column; the median rank is the median
    of its own, which holds each query's expected first rank.

    Parameters
    ----------
    ranking
        One direction.

    Returns
    -------
    ndarray [Q, M]
        Q queries, M metrics in the order of `tcmgc_reports.statistics.columns.NAMES`; recalls in percent.
    """
    recall = {f"r{k}": 100.0 * ranking.within(k, "expected") for k in (1, 5, 10)}
    first_rank_Q = ranking.first_rank("expected")
    columns = recall | {"mdr": first_rank_Q, "mnr": first_rank_Q, "sumr": np.sum([*recall.values()], axis=0)}
    return np.stack([columns[name] for name in NAMES], axis=1)

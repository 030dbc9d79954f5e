"""Recall at k."""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 (the registry reads the annotation)
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

if TYPE_CHECKING:
    from tcmgc.ranking import Ranking
    from tcmgc.slots.metric import Ties


class Recall:
    """Percentage of queries with a relevant item among the first k.

    R@k = 100 mean_q P(rank_q <= k), with rank_q the rank of the first relevant item.

    Parameters
    ----------
    ks
        The depths.
    """

    paper: ClassVar[str] = (
        "Hodosh, Young & Hockenmaier, Framing Image Description as a Ranking Task, JAIR 47, 2013; under "
        "ties: McSherry & Najork, Computing Information Retrieval Performance Measures Efficiently in the "
        "Presence of Tied Scores, ECIR 2008"
    )

    def __init__(self, *, ks: Sequence[Annotated[int, Field(ge=1)]] = (1, 5, 10)) -> None:
        self.ks = tuple(ks)

    def __call__(self, ranking: Ranking, ties: Ties) -> dict[str, float]:
        """Return ``r<k>`` in percent for each k."""
        return {f"r{k}": 100.0 * float(ranking.within(k, ties).sum()) / ranking.queries for k in self.ks}

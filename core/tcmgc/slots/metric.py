"""The metric slot: numbers from a ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from tcmgc.ranking import Ranking

Ties = Literal["optimistic", "expected", "pessimistic"]
"""How items with equal scores are ordered.

``optimistic`` puts the relevant ones first, ``pessimistic`` last. ``expected`` is the expectation of the
metric over all orders of the tied items, every order equally likely and independent between queries. It
is not the metric of the mean rank: a constant matrix has R@1 = 100/V, its mean rank would give 0.
"""


@runtime_checkable
class Metric(Protocol):
    """Named numbers that sum up where the relevant items of all queries stand."""

    def __call__(self, ranking: Ranking, ties: Ties) -> dict[str, float]:
        """Evaluate one direction.

        Parameters
        ----------
        ranking
            The queries, with their ties unresolved.
        ties
            How to resolve them.

        Returns
        -------
        dict of str to float
            Numbers by short name (``r1``, ``mdr``). Shares are in percent; ranks count from 1.
        """

"""What videos that are missing could still do to a number: its best and its worst case.

N videos belong to a split, and M of them are missing, with R queries. The similarity matrix of the whole
split has a block that is known and cells that nobody knows. For a query that is there, with `above` items
over its relevant one:

- at best no missing video outranks it: its rank stays, among N items;
- at worst each of them does: its rank grows by M.

A query that is missing has rank 1 at best and N at worst. Each bound is reached by a matrix, by all queries
at once: in the worst case all unknown cells are at the top, but for those of a missing query and its own
video, which are at the bottom. Metrics that only fall, or only rise, as a rank grows have no value beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError
from tcmgc.ranking import Ranking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.slots.metric import Metric, Ties

Bounds = tuple[float, float]
"""The least and the greatest that a number can be."""


@dataclass(frozen=True)
class Missing:
    """What is missing of one direction.

    Parameters
    ----------
    items
        M, videos (or, where videos search, their groups of captions) that no query could find.
    queries
        R, queries that were not asked.
    """

    items: int
    queries: int


def best_case(ranking: Ranking, missing: Missing) -> Ranking:
    """Rank all queries of a split where nothing that is missing outranks anything, and all of it is first.

    Parameters
    ----------
    ranking
        Of Q queries that are there, each with one relevant item.
    missing
        What is not.

    Returns
    -------
    Ranking
        Of Q + R queries among ``ranking.items`` + M items.
    """
    return _with(ranking, missing, above=0, rank_of_missing=1)


def worst_case(ranking: Ranking, missing: Missing) -> Ranking:
    """Rank all queries of a split where what is missing outranks everything, and is itself found last."""
    return _with(ranking, missing, above=missing.items, rank_of_missing=ranking.items + missing.items)


def bounds(
    ranking: Ranking, missing: Missing, measures: Mapping[str, Metric], ties: Ties = "expected"
) -> dict[str, Bounds]:
    """Return the least and the greatest value of every number, by its short name.

    Parameters
    ----------
    ranking, missing
        As in `best_case`.
    measures
        Metrics that are monotone in every rank, as all that ship are.
    ties
        How equal scores of what is there count.
    """
    found: dict[str, Bounds] = {}
    best, worst = best_case(ranking, missing), worst_case(ranking, missing)
    for measure in measures.values():
        at_best, at_worst = measure(best, ties), measure(worst, ties)
        for name, value in at_best.items():
            found[name] = (min(value, at_worst[name]), max(value, at_worst[name]))
    return found


def _with(ranking: Ranking, missing: Missing, *, above: int, rank_of_missing: int) -> Ranking:
    if len(ranking.above) != ranking.queries:
        raise DataError(
            "bounds for missing videos",
            found="queries with several relevant items",
            expected="one: texts that search videos, or videos that search groups of captions",
        )
    one_R = np.ones(missing.queries, dtype=np.int64)
    return Ranking(
        np.concatenate([ranking.above + above, (rank_of_missing - 1) * one_R]),
        np.concatenate([ranking.size, one_R]),
        np.concatenate([ranking.relevant, one_R]),
        np.arange(ranking.queries + missing.queries + 1),
        ranking.items + missing.items,
    )

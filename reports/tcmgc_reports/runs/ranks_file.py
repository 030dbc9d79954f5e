"""``ranks.json``: where each query's best relevant item stands, ties kept."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import model_validator

from tcmgc.ranking import Ranking

from .json_file import FileContent


class DirectionRanks(FileContent):
    """The queries of one direction.

    ``above``, ``size`` and ``relevant`` are the columns of `tcmgc.ranking.Ranking.best_groups`;
    ``cluster`` is the video to which a query belongs, ``tags`` the words it is diagnosed by.
    """

    items: int
    query: tuple[str, ...]
    cluster: tuple[str, ...]
    above: tuple[int, ...]
    size: tuple[int, ...]
    relevant: tuple[int, ...]
    tags: tuple[tuple[str, ...], ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        queries = len(self.query)
        if not queries:
            raise ValueError("at least one query")
        for name in ("cluster", "above", "size", "relevant", "tags"):
            length = len(getattr(self, name))
            if length != queries and not (name == "tags" and length == 0):
                raise ValueError(f"{queries} entries of {name}, one a query, rather than {length}")
        columns = zip(self.above, self.size, self.relevant, strict=True)
        if not all(above >= 0 and 1 <= own <= size <= self.items - above for above, size, own in columns):
            raise ValueError("0 <= above, 1 <= relevant <= size and above + size <= items for every query")
        return self

    def ranking(self) -> Ranking:
        """Make the ranking of which these are the best tie groups."""
        above_Q, size_Q, relevant_Q = (
            np.array(column, dtype=np.int64) for column in (self.above, self.size, self.relevant)
        )
        return Ranking(above_Q, size_Q, relevant_Q, np.arange(len(self.query) + 1), self.items)


class Ranks(FileContent):
    """Both directions."""

    t2v: DirectionRanks
    v2t: DirectionRanks

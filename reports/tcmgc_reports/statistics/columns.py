"""The metrics of a board, in the order of its columns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A metric of the board.

    Parameters
    ----------
    name
        Its short name, as in ``leaderboard.json``.
    heading
        As papers write it.
    meaning
        What it is, in a few words.
    higher_is_better
        Which end is best.
    """

    name: str
    heading: str
    meaning: str
    higher_is_better: bool


COLUMNS = (
    Column("r1", "R@1", "queries with a relevant item first, in percent", True),
    Column("r5", "R@5", "queries with a relevant item among the first 5, in percent", True),
    Column("r10", "R@10", "queries with a relevant item among the first 10, in percent", True),
    Column("mdr", "MdR", "median rank of the first relevant item", False),
    Column("mnr", "MnR", "mean rank of the first relevant item", False),
    Column("sumr", "SumR", "R@1 + R@5 + R@10", True),
)
NAMES = tuple(column.name for column in COLUMNS)

"""A row of the main table, cell by cell: what text renderers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.readable import significant
from tcmgc_reports.statistics.columns import COLUMNS

from .formats import bracket, decimal, seeds, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.leaderboard import Row

HEADINGS = ("row", "seeds", *(column.heading for column in COLUMNS), "us/pair")
WITH_INTERVAL = "r1"


def cells(
    row: Row, direction: Direction, mark: Callable[[str, bool], str], *, with_sd: bool = False
) -> list[str]:
    """Write everything of a row but its label.

    Parameters
    ----------
    row, direction
        What to write.
    mark
        Is given each number and whether it is of the best group.
    with_sd
        Write the standard deviation over seeds beside the interval, where there are several.
    """
    result = row.results[direction]
    written = [seeds(row.seeds)]
    for name, found in result.metrics.items():
        text = mark(decimal(found.mean), name in result.best)
        if name == WITH_INTERVAL:
            sd = spread(found, row.seeds) if with_sd else ""
            text = f"{text} {sd} {bracket(found)}" if sd else f"{text} {bracket(found)}"
        written.append(text)
    return [*written, significant(row.cost.get("microseconds_per_pair"))]

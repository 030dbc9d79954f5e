"""A row of the main table, cell by cell: what text renderers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.readable import NOTHING, significant
from tcmgc_reports.statistics.columns import COLUMNS

from .formats import bracket, decimal, seeds, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.leaderboard import Row, Section

HEADINGS = ("row", "seeds", *(column.heading for column in COLUMNS), "us/pair")
WITH_INTERVAL = "r1"
BOUND_HEADINGS = ("row", *(column.heading for column in COLUMNS))


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


def has_bounds(section: Section, direction: Direction) -> bool:
    """Whether videos are missing of a row, and it is known what they could change.

    Parameters
    ----------
    section, direction
        What is shown.
    """
    return any(row.bounds[direction] for row in section.rows)


def bound_cells(row: Row, direction: Direction) -> list[str]:
    """Write the bounds of a row but its label: ``38.2–45.1``, or one number where nothing is open.

    Parameters
    ----------
    row, direction
        What to write.
    """
    complete = row.clips is not None and row.clips[0] >= row.clips[1]
    written = []
    for name, found in row.results[direction].metrics.items():
        known = (found.mean,) if complete else ()
        ends = [decimal(end) for end in row.bounds[direction].get(name, known)]
        written.append(NOTHING.join(dict.fromkeys(ends)) or NOTHING)
    return written

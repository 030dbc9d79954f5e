"""What a row's scoring costs, cell by cell: the same columns in every renderer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.readable import count, significant, size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcmgc_reports.board.leaderboard import Row, Section


@dataclass(frozen=True)
class CostColumn:
    """A quantity that scoring costs.

    Parameters
    ----------
    name
        Of the record's field.
    heading
        Above its column.
    title
        In words, for an axis.
    unit
        Behind a value of its axis.
    meaning
        A sentence's worth.
    write
        Makes a cell of a value; a dash of None.
    of_machine
        Whether another machine measures another value.
    """

    name: str
    heading: str
    title: str
    unit: str
    meaning: str
    write: Callable[[float | None], str]
    of_machine: bool


COSTS = (
    CostColumn(
        "microseconds_per_pair",
        "µs/pair",
        "microseconds per pair",
        "µs per pair",
        "time of scoring the test split, features given, over its pairs",
        significant,
        of_machine=True,
    ),
    CostColumn(
        "flops_per_pair",
        "FLOPs/pair",
        "FLOPs per pair",
        "FLOPs per pair",
        "of matrix products, of a prepared text and a prepared video",
        count,
        of_machine=False,
    ),
    CostColumn(
        "index_bytes_per_video",
        "index/video",
        "bytes per video in an index",
        "per video",
        "what is kept of a prepared video",
        size,
        of_machine=False,
    ),
    CostColumn(
        "scoring_memory_bytes",
        "memory",
        "peak memory of scoring",
        "of memory",
        "at the worst moment of scoring the test split, beside features, weights and scores",
        size,
        of_machine=True,
    ),
)
PLACE = "measured on"
"""Above the column that says where, when that is not the same for all rows."""


def cost_headings(section: Section) -> tuple[str, ...]:
    """Name the columns of a section's costs.

    Parameters
    ----------
    section
        Whose rows may have been measured at several places.
    """
    return ("row", *(column.heading for column in COSTS), *([PLACE] if len(section.places) > 1 else []))


def cost_cells(section: Section, row: Row) -> list[str]:
    """Write everything of a row of costs but its label.

    Parameters
    ----------
    section, row
        What to write.
    """
    written = [column.write(row.cost.get(column.name)) for column in COSTS]
    return [*written, row.measured_on] if len(section.places) > 1 else written


def cost_title(section: Section) -> str:
    """Head a section's costs, with where they were measured.

    Parameters
    ----------
    section
        Whose costs.
    """
    return f"Cost of scoring, {where(section.places)}"


def where(places: Sequence[str]) -> str:
    """Say where times were measured.

    Parameters
    ----------
    places
        Of a section.
    """
    return (
        f"measured on {places[0]}" if len(places) == 1 else f"measured on {len(places)} machines or settings"
    )

"""A leaderboard for a terminal: coloured where there is one, plain elsewhere, at most 100 columns."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Literal

from tcmgc_reports.board.leaderboard import DIRECTIONS

from .cells import BOUND_HEADINGS, HEADINGS, bound_cells, cells, has_bounds
from .costs import PLACE, cost_cells, cost_headings, cost_title
from .words import COST_NOTE, LEGEND, basis, bounded, counted, heading, remarks, worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType
    from rich.table import Table

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.comparison import Comparison
    from tcmgc_reports.board.leaderboard import Leaderboard, Section

WIDTH = 100
MARK = "*"
LABEL_WIDTH = 20
"""What the numbers leave of the width."""


def render_terminal(board: Leaderboard) -> str:
    """Write plain text.

    Parameters
    ----------
    board
        The leaderboard.
    """
    from rich.console import Console

    text = io.StringIO()
    show(board, Console(file=text, width=WIDTH, color_system=None, legacy_windows=False))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def show(board: Leaderboard, console: Console) -> None:
    """Print tables, comparisons in words, and remarks.

    Parameters
    ----------
    board
        The leaderboard.
    console
        Where to print it.
    """
    from rich.text import Text

    parts: list[RenderableType] = [Text(board.title, style="bold")]
    for section in board.sections:
        for direction, name in DIRECTIONS.items():
            title = f"{heading(board, section)}: {name} ({counted(section, direction)})"
            parts += [Text(""), Text(title, style="bold"), _table(section, direction)]
            if has_bounds(section, direction):
                parts += [Text(""), Text(f"{name}, {bounded(section)}"), _bounds(section, direction)]
        if section.marked:
            parts.append(Text(f"{MARK} {LEGEND}", style="dim"))
        parts += [Text(""), Text(cost_title(section), style="bold"), _cost_table(section)]
        parts.append(Text(COST_NOTE, style="dim"))
        for comparison in section.comparisons:
            parts += [Text(""), *_comparison(comparison)]
    if lines := remarks(board):
        parts += [Text(""), *(Text(line) for line in lines)]
    for part in parts:
        console.print(part, width=min(console.width, WIDTH))


def wrap_label(label: str) -> str:
    """Break a long label where its parts end.

    Parameters
    ----------
    label
        As ``tcmgc granularities.*.reorganizer.keep_rate=0.3``.
    """
    lines = [""]
    for part in re.findall(r"[^\s.=,_-]+[.=,_-]*\s*|[.=,_-]+\s*", label):
        if lines[-1] and len(lines[-1] + part.rstrip()) > LABEL_WIDTH:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _comparison(comparison: Comparison) -> list[RenderableType]:
    from rich.text import Text

    style = "green" if comparison.verdict == "a gain" else "red" if comparison.verdict == "a loss" else ""
    return [Text(worth(comparison), style=style), Text(f"  {basis(comparison)}", style="dim")]


def _table(section: Section, direction: Direction) -> Table:
    from rich.text import Text

    table = _empty(HEADINGS, left=2)
    for row in section.rows:
        written = cells(row, direction, lambda text, best: text + (MARK if best else " "))
        table.add_row(
            Text(wrap_label(row.label)),
            *(Text(cell, style="bold" if MARK in cell else "") for cell in written),
        )
    return table


def _cost_table(section: Section) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for name in cost_headings(section):
        in_words = name in ("row", PLACE)
        table.add_column(name, justify="left" if in_words else "right", no_wrap=not in_words, overflow="fold")
    for row in section.rows:
        table.add_row(*map(Text, [wrap_label(row.label), *cost_cells(section, row)]))
    return table


def _bounds(section: Section, direction: Direction) -> Table:
    from rich.text import Text

    table = _empty(BOUND_HEADINGS, left=1)
    for row in section.rows:
        table.add_row(Text(wrap_label(row.label)), *map(Text, bound_cells(row, direction)))
    return table


def _empty(headings: Sequence[str], left: int) -> Table:
    """Make a table without rows, whose first columns stand to the left."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for index, name in enumerate(headings):
        justify: Literal["left", "right"] = "left" if index < left else "right"
        table.add_column(name, justify=justify, no_wrap=index > 0, overflow="fold")
    return table

"""A leaderboard in Markdown, as GitHub reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcmgc_reports.board.leaderboard import DIRECTIONS

from .cells import BOUND_HEADINGS, HEADINGS, bound_cells, cells, has_bounds
from .costs import cost_cells, cost_headings, cost_title
from .words import HOW, LEGEND, SPREAD, basis, bounded, counted, heading, remarks, worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.leaderboard import Leaderboard, Section

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$])")


def render_markdown(board: Leaderboard) -> str:
    """Write Markdown.

    Parameters
    ----------
    board
        The leaderboard.
    """
    parts = [f"# {escape(board.title)}"]
    for section in board.sections:
        parts.append(f"## {escape(heading(board, section))}")
        for direction, name in DIRECTIONS.items():
            title = f"### {name.capitalize()} ({counted(section, direction)})"
            parts += [title, _table(section, direction)]
            if has_bounds(section, direction):
                parts += [f"{name.capitalize()}, {bounded(section)}:", _bounds(section, direction)]
        bold = f" Bold: {LEGEND}." if section.marked else ""
        parts.append(f"{SPREAD}.{bold}")
        parts += [f"### {escape(cost_title(section))}", _cost_table(section)]
        if section.comparisons:
            said = [
                f"- {escape(worth(comparison))} ({escape(basis(comparison))})"
                for comparison in section.comparisons
            ]
            parts += ["### What it is worth", "\n".join(said)]
        prints = ", ".join(f"`{name}`" for name in section.protocols)
        parts += [f"Protocol fingerprint{'s' if section.mixed else ''}: {prints}"]
    if lines := remarks(board):
        parts += ["## Remarks", "\n".join(f"- {escape(line.strip())}" for line in lines)]
    parts += ["## How the numbers were computed", "\n".join(f"- {escape(line)}" for line in HOW)]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Write text so that Markdown shows it as it is.

    Parameters
    ----------
    text
        As a label.
    """
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _table(section: Section, direction: Direction) -> str:
    lines = [list(HEADINGS), [":--", ":--", *("--:" for _ in HEADINGS[2:])]]
    for row in section.rows:
        written = cells(row, direction, lambda text, best: f"**{text}**" if best else text, with_sd=True)
        lines.append([escape(row.label), *written])
    return _lines(lines)


def _bounds(section: Section, direction: Direction) -> str:
    rows = [[escape(row.label), *bound_cells(row, direction)] for row in section.rows]
    return _lines([list(BOUND_HEADINGS), [":--", *("--:" for _ in BOUND_HEADINGS[1:])], *rows])


def _cost_table(section: Section) -> str:
    headings = cost_headings(section)
    rows = [[escape(row.label), *map(escape, cost_cells(section, row))] for row in section.rows]
    return _lines([list(headings), [":--", *("--:" for _ in headings[1:])], *rows])


def _lines(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)

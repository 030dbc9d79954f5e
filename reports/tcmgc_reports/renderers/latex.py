"""A leaderboard in LaTeX: booktabs tables, one a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc_reports.board.leaderboard import DIRECTIONS

from .cells import BOUND_HEADINGS, HEADINGS, bound_cells, cells, has_bounds
from .costs import PLACE, cost_cells, cost_headings, cost_title
from .words import COST_NOTE, LEGEND, SPREAD, bounded, counted, heading, normalizations, worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.leaderboard import Leaderboard, Row, Section

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "µ": r"$\mu$",
    "\N{MINUS SIGN}": "$-$",
    **{character: f"\\{character}" for character in "{}$&#%_"},
}


def render_latex(board: Leaderboard) -> str:
    r"""Write LaTeX to ``\input``.

    Parameters
    ----------
    board
        The leaderboard.
    """
    parts = ["% needs \\usepackage{booktabs}"]
    for section in board.sections:
        for direction in DIRECTIONS:
            parts.append(_table(board, section, direction))
            if has_bounds(section, direction):
                parts.append(_bounds(board, section, direction))
        parts.append(_cost_table(section))
        # A comment ends with its line, which a label may not have several of.
        parts += [f"% {' '.join(worth(comparison).split())}" for comparison in section.comparisons]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Write text so that LaTeX shows it as it is.

    Parameters
    ----------
    text
        As a label.
    """
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))


def _table(board: Leaderboard, section: Section, direction: Direction) -> str:
    bold = f" Bold: {LEGEND}." if section.marked else ""
    normalized = "".join(f" {line[0].upper()}{line[1:]}." for line in normalizations(section))
    caption = f"{_name(board, section, direction)}. {SPREAD}.{bold}{normalized}"
    lines = []
    for row in section.rows:
        written = cells(
            row, direction, lambda text, best: f"\\textbf{{{text}}}" if best else text, with_sd=True
        )
        lines.append([_label(row), *(_cell(cell) for cell in written)])
    headings = [*HEADINGS[:-1], "$\\mu$s/pair"]
    return _tabular(caption, "ll".ljust(len(headings), "r"), headings, lines)


def _bounds(board: Leaderboard, section: Section, direction: Direction) -> str:
    caption = f"{_name(board, section, direction)}: {bounded(section)}."
    rows = [[_label(row), *map(_cell, bound_cells(row, direction))] for row in section.rows]
    return _tabular(caption, "l".ljust(len(BOUND_HEADINGS), "r"), BOUND_HEADINGS, rows)


def _name(board: Leaderboard, section: Section, direction: Direction) -> str:
    return f"{DIRECTIONS[direction].capitalize()}, {heading(board, section)}, {counted(section, direction)}"


def _label(row: Row) -> str:
    # The braces keep a label's [ or * from being taken for an argument of the \\ before it.
    return f"{{}}{escape(row.label)}" if row.label.lstrip().startswith(("[", "*")) else escape(row.label)


def _cell(text: str) -> str:
    return text.replace("–", "--").replace("±", "$\\pm$")


def _tabular(caption: str, columns: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{escape(caption)}}}",
        f"  \\begin{{tabular}}{{{columns}}}",
        "    \\toprule",
        f"    {' & '.join(headings)} \\\\",
        "    \\midrule",
        *(f"    {' & '.join(row)} \\\\" for row in rows),
    ]
    return "\n".join([*lines, "    \\bottomrule", "  \\end{tabular}", "\\end{table}"])


def _cost_table(section: Section) -> str:
    headings = cost_headings(section)
    columns = "".join("l" if heading in ("row", PLACE) else "r" for heading in headings)
    caption = f"{cost_title(section)}, {section.place}. {COST_NOTE}"
    rows = [[_label(row), *map(escape, cost_cells(section, row))] for row in section.rows]
    return _tabular(caption, columns, [escape(heading) for heading in headings], rows)

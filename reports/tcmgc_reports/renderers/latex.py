"""A leaderboard in LaTeX: booktabs tables, one a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc_reports.board.leaderboard import DIRECTIONS

from .cells import BOUND_HEADINGS, HEADINGS, bound_cells, cells, has_bounds
from .words import LEGEND, SPREAD, bounded, counted, heading, normalizations, worth

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
    return _tabular(caption, "ll", [*HEADINGS[:-1], "$\\mu$s/pair"], lines)


def _bounds(board: Leaderboard, section: Section, direction: Direction) -> str:
    caption = f"{_name(board, section, direction)}: {bounded(section)}."
    rows = [[_label(row), *map(_cell, bound_cells(row, direction))] for row in section.rows]
    return _tabular(caption, "l", [*BOUND_HEADINGS], rows)


def _name(board: Leaderboard, section: Section, direction: Direction) -> str:
    return f"{DIRECTIONS[direction].capitalize()}, {heading(board, section)}, {counted(section, direction)}"


def _label(row: Row) -> str:
    # The braces keep a label's [ or * from being taken for an argument of the \\ before it.
    return f"{{}}{escape(row.label)}" if row.label.lstrip().startswith(("[", "*")) else escape(row.label)


def _cell(text: str) -> str:
    return text.replace("–", "--").replace("±", "$\\pm$")


def _tabular(caption: str, left: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{escape(caption)}}}",
        f"  \\begin{{tabular}}{{{left}{'r' * (len(headings) - len(left))}}}",
        "    \\toprule",
        f"    {' & '.join(headings)} \\\\",
        "    \\midrule",
        *(f"    {' & '.join(row)} \\\\" for row in rows),
    ]
    return "\n".join([*lines, "    \\bottomrule", "  \\end{tabular}", "\\end{table}"])

"""A leaderboard in LaTeX: booktabs tables, one a direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc_reports.board.leaderboard import DIRECTIONS

from .cells import HEADINGS, cells
from .costs import PLACE, cost_cells, cost_headings, cost_title
from .words import COST_NOTE, LEGEND, SPREAD, counted, heading, normalizations, worth

if TYPE_CHECKING:
    from tcmgc.ranking import Direction
    from tcmgc_reports.board.leaderboard import Leaderboard, Section

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
        parts += [_table(board, section, direction) for direction in DIRECTIONS]
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
    name = f"{DIRECTIONS[direction].capitalize()}, {heading(board, section)}, {counted(section, direction)}"
    bold = f" Bold: {LEGEND}." if len(section.rows) > 1 else ""
    normalized = "".join(f" {line[0].upper()}{line[1:]}." for line in normalizations(section))
    caption = f"{name}. {SPREAD}.{bold}{normalized}"
    headings = [*HEADINGS[:-1], "$\\mu$s/pair"]
    lines = [
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{escape(caption)}}}",
        f"  \\begin{{tabular}}{{ll{'r' * (len(headings) - 2)}}}",
        "    \\toprule",
        f"    {' & '.join(headings)} \\\\",
        "    \\midrule",
    ]
    for row in section.rows:
        written = cells(
            row, direction, lambda text, best: f"\\textbf{{{text}}}" if best else text, with_sd=True
        )
        cell_texts = [
            _label(row.label),
            *(cell.replace("–", "--").replace("±", "$\\pm$") for cell in written),
        ]
        lines.append(f"    {' & '.join(cell_texts)} \\\\")
    return "\n".join([*lines, "    \\bottomrule", "  \\end{tabular}", "\\end{table}"])


def _label(label: str) -> str:
    # The braces keep a label's [ or * from being taken for an argument of the \\ before it.
    return f"{{}}{escape(label)}" if label.lstrip().startswith(("[", "*")) else escape(label)


def _cost_table(section: Section) -> str:
    headings = cost_headings(section)
    columns = "".join("l" if heading in ("row", PLACE) else "r" for heading in headings)
    rows = [[_label(row.label), *map(escape, cost_cells(section, row))] for row in section.rows]
    return "\n".join(
        [
            "\\begin{table}",
            "  \\centering",
            f"  \\caption{{{escape(f'{cost_title(section)}, {section.place}. {COST_NOTE}')}}}",
            f"  \\begin{{tabular}}{{{columns}}}",
            "    \\toprule",
            f"    {' & '.join(map(escape, headings))} \\\\",
            "    \\midrule",
            *(f"    {' & '.join(row)} \\\\" for row in rows),
            "    \\bottomrule",
            "  \\end{tabular}",
            "\\end{table}",
        ]
    )

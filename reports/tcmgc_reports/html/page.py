"""A leaderboard as one HTML file: no request, no font, no script from elsewhere."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from tcmgc import __version__, readable
from tcmgc_reports.board.leaderboard import DIRECTIONS
from tcmgc_reports.renderers import cells, costs, formats, words
from tcmgc_reports.statistics.columns import COLUMNS

from .views import make_view

if TYPE_CHECKING:
    from tcmgc_reports.board.leaderboard import Leaderboard

TEMPLATE = "page.html.jinja"


def render_html(board: Leaderboard) -> str:
    """Write the page.

    Parameters
    ----------
    board
        The leaderboard.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tcmgc_reports", "html"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(TEMPLATE).render(
        board=board,
        views=[make_view(section) for section in board.sections],
        columns=COLUMNS,
        costs=costs.COSTS,
        place_heading=costs.PLACE,
        cost_title=costs.cost_title,
        cost_note=words.COST_NOTE,
        directions=DIRECTIONS,
        remarks=words.remarks(board),
        how=words.HOW,
        legend=words.LEGEND,
        spread=words.SPREAD,
        worth=words.worth,
        basis=words.basis,
        counted=words.counted,
        of_expected=words.of_expected,
        bounded=words.bounded,
        bound_headings=cells.BOUND_HEADINGS,
        bound_cells=cells.bound_cells,
        has_bounds=cells.has_bounds,
        heading_of=words.heading,
        decimal=formats.decimal,
        bracket=formats.bracket,
        significant=readable.significant,
        spread_of=formats.spread,
        count=readable.count,
        duration=formats.duration,
        seeds=formats.seeds,
        bytes=readable.size,
        breakable=_breakable,
        style=_own("style.css"),
        script=_own("script.js"),
        version=__version__,
    )


def _own(name: str) -> Markup:
    """Read a file of ours, which has nothing to escape."""
    return Markup(files("tcmgc_reports").joinpath("html", name).read_text(encoding="utf-8"))


def _breakable(label: str) -> Markup:
    """Let a long label break where its parts end, but not inside a number."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[=_/,])|(?<=\.)(?!\d)", label))

"""What a leaderboard can be made into, by the name of the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc_reports.html.page import render_html

from .csv_text import render_csv
from .json_text import render_json
from .latex import render_latex
from .markdown import render_markdown
from .terminal import render_terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc_reports.board.leaderboard import Leaderboard


@dataclass(frozen=True)
class Renderer:
    """A format.

    Parameters
    ----------
    render
        Makes the text.
    file
        Its name in a report's folder; None for what only a terminal shows.
    """

    render: Callable[[Leaderboard], str]
    file: str | None


RENDERERS = {
    "terminal": Renderer(render_terminal, None),
    "markdown": Renderer(render_markdown, "leaderboard.md"),
    "latex": Renderer(render_latex, "leaderboard.tex"),
    "csv": Renderer(render_csv, "leaderboard.csv"),
    "json": Renderer(render_json, "leaderboard.json"),
    "html": Renderer(render_html, "index.html"),
}

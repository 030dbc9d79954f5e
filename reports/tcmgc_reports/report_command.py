"""``tcmgc report``: the leaderboard of runs, in every format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcmgc.cli.console import say_note
from tcmgc.cli.main import plugin_option
from tcmgc.experiments.restriction import read_ids
from tcmgc.files.output import refuse_unwritable

from .renderers.registry import RENDERERS
from .renderers.terminal import show
from .report import FOLDER, leaderboard_of
from .runs.restrict_runs import RestrictTo
from .write_report import write_report, write_text

if TYPE_CHECKING:
    from .board.leaderboard import Leaderboard

COMMON = "common"


@click.command()
@plugin_option
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--format",
    "style",
    type=click.Choice([*RENDERERS]),
    help="Print this one format, and write no report.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The report's folder; with --format, the file to write to.",
)
@click.option(
    "--restrict-to",
    multiple=True,
    metavar="common|FILE",
    help="Rank all runs again on the same clips: those that all have, or those of a list, an id a line.",
)
@click.option(
    "--mix", is_flag=True, help="Put rows of different protocols into one table, each with what differs."
)
def report(
    directory: Path, style: str | None, out: Path | None, restrict_to: tuple[str, ...], mix: bool
) -> None:
    """Show the runs in DIR as a leaderboard, and write DIR/report: a page, Markdown, LaTeX, CSV and JSON.

    With --restrict-to, or --mix, it is DIR/report-restricted, or DIR/report-mixed.
    """
    board = leaderboard_of(directory, restrict_to=_restriction(restrict_to), mixed=mix)
    if style is None:
        # What `tcmgc run` left stays, where this is another view of the runs.
        kind = "".join(["-restricted" if restrict_to else "", "-mixed" if mix else ""])
        report_runs(board, out or directory / f"{FOLDER}{kind}")
    elif out is None and style == "terminal":
        _print(board)
    elif out is None:
        click.echo(RENDERERS[style].render(board).removesuffix("\n"))
    else:
        refuse_unwritable(out, "report")
        out.parent.mkdir(parents=True, exist_ok=True)
        write_text(out, RENDERERS[style].render(board))


def _restriction(options: tuple[str, ...]) -> RestrictTo | None:
    """Read the lists; several narrow each other."""
    if not options:
        return None
    lists = [read_ids(Path(option)) for option in options if option != COMMON]
    return RestrictTo(COMMON in options, frozenset.intersection(*lists) if lists else None)


def report_runs(board: Leaderboard, folder: Path) -> None:
    """Print the leaderboard, and write the report.

    Parameters
    ----------
    board
        The leaderboard.
    folder
        Where files go.
    """
    refuse_unwritable(folder / "index.html", "report")
    _print(board)
    say_note(f"report: {write_report(board, folder)}")


def _print(board: Leaderboard) -> None:
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        show(board, console)
    else:
        click.echo(RENDERERS["terminal"].render(board))

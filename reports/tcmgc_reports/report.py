"""The leaderboard of a folder of runs, and its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.app import current_registry
from tcmgc.runs.stale import stale_reasons

from .board.build import build_leaderboard
from .runs.read_runs import read_runs

if TYPE_CHECKING:
    from pathlib import Path

    from .board.leaderboard import Leaderboard
    from .runs.read_runs import Run
    from .runs.restrict_runs import RestrictTo

FOLDER = "report"


def leaderboard_of(
    directory: Path, *, restrict_to: RestrictTo | None = None, mixed: bool = False
) -> Leaderboard:
    """Read a folder of runs, set the stale ones apart, and make the leaderboard.

    Parameters
    ----------
    directory
        What ``tcmgc run --out`` was given.
    restrict_to, mixed
        As in `tcmgc_reports.board.build.build_leaderboard`.

    Raises
    ------
    DataError
        If there is no finished run, or a file is missing, damaged or wrong.
    """
    registry = current_registry()

    def stale(run: Run) -> str | None:
        return "; ".join(stale_reasons(run.record, registry)) or None

    return build_leaderboard(read_runs(directory), stale, restrict_to=restrict_to, mixed=mixed)

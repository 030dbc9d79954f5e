"""Registers the commands that report, and reports what was run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.hooks import hookimpl

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.register import Register


@hookimpl
def tcmgc_register(register: Register) -> None:
    """Register `tcmgc metrics` and `tcmgc report`."""
    register.command(
        "metrics",
        "tcmgc_reports.metrics_command:metrics",
        help="Compute retrieval metrics of a similarity matrix from anywhere.",
    )
    register.command(
        "report",
        "tcmgc_reports.report_command:report",
        help="Show finished runs as a leaderboard; write HTML, Markdown, LaTeX, CSV and JSON.",
    )


@hookimpl
def tcmgc_runs_finished(directory: Path) -> None:
    """Print the leaderboard of what was run, and write its report."""
    from .report import FOLDER, leaderboard_of
    from .report_command import report_runs
    from .runs.read_runs import finished_folders

    # Where every run failed, the command says so; there is nothing to report.
    if finished_folders(directory):
        report_runs(leaderboard_of(directory), directory / FOLDER)

"""The folder that ``tcmgc run --out`` fills: ``runs/*`` and ``suite.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.errors import DataError
from tcmgc.runs.run_folder import read_run

from .history_file import History
from .json_file import read_json
from .ranks_file import Ranks
from .suite_file import Suite

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.runs.record import RunRecord

RUNS = "runs"
HIDDEN = "."
"""Begins the name of what is in work."""
AGAIN = "delete the folder of this run and `tcmgc run` computes it again"


@dataclass(frozen=True)
class Run:
    """One finished run.

    Parameters
    ----------
    folder
        Its name.
    record, ranks, history
        What its files hold.
    path
        Where it lies.
    whole
        The run as it was evaluated, where this one is restricted to some of its clips.
    """

    folder: str
    record: RunRecord
    ranks: Ranks
    history: History
    path: Path
    whole: Run | None = None


@dataclass(frozen=True)
class RunsFolder:
    """All finished runs of a folder, and the suite that was asked for."""

    runs: tuple[Run, ...]
    suite: Suite


def finished_folders(directory: Path) -> list[Path]:
    """List the folders of finished runs; what is in work is left out.

    Parameters
    ----------
    directory
        What ``tcmgc run --out`` was given.
    """
    parent = directory / RUNS
    if not parent.is_dir():
        return []
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith(HIDDEN))


def read_runs(directory: Path) -> RunsFolder:
    """Read a folder of runs.

    Parameters
    ----------
    directory
        What ``tcmgc run --out`` was given.

    Returns
    -------
    RunsFolder
        At least one run.

    Raises
    ------
    DataError
        If there is no finished run, or a file of one is missing, damaged or wrong.
    """
    where, expected = f"runs of {directory}", "a folder that `tcmgc run --out` filled"
    if not directory.is_dir():
        found = "a file" if directory.exists() else "no such folder"
        raise DataError(where, found=found, expected=expected)
    finished = finished_folders(directory)
    if not finished:
        raise DataError(
            where,
            found="no finished run" if (directory / RUNS).is_dir() else f"no folder {RUNS}",
            expected=expected,
            hint=f"tcmgc run quickstart --out {directory}",
        )
    suite = directory / "suite.json"
    return RunsFolder(
        runs=tuple(_read_run(path) for path in finished),
        suite=read_json(suite, Suite, "suite") if suite.exists() else Suite(),
    )


def _read_run(folder: Path) -> Run:
    record = read_run(folder).record
    if missing := {"t2v", "v2t"} - record.metrics.keys():
        raise DataError(
            f"run record {folder / 'record.json'}: metrics",
            found=f"no {missing.pop()}",
            expected="metrics of t2v and v2t",
            hint=AGAIN,
        )
    path = folder / "history.json"
    # Nothing is trained in a run that evaluates a model as it starts.
    has_history = record.trained or path.exists()
    return Run(
        folder=folder.name,
        record=record,
        ranks=read_json(folder / "ranks.json", Ranks, "run ranks", AGAIN),
        history=read_json(path, History, "run history", AGAIN) if has_history else History(),
        path=folder,
    )

"""The folder that ``tcmgc run --out`` fills.

::

    OUT/suite.json                                what was asked for last
    OUT/runs/<label>-seed<seed>-<identity>/       a finished run, renamed into place at once
    OUT/runs/.work-<identity>/                    a run in work
    OUT/superseded/<folder>/                      a run that a later one of the same row and seed replaced
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from pydantic import ValidationError

from tcmgc.errors import DataError

from .json_file import read_json, write_json
from .record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORD, RANKS, HISTORY, CONFIG, WEIGHTS = (
    "record.json",
    "ranks.json",
    "history.json",
    "config.yaml",
    "model.safetensors",
)
FILES = (RECORD, RANKS, HISTORY, CONFIG, WEIGHTS)
TRAINING, STARTED = "training", "started.json"
"""What a run in work has besides: where it resumes from, and since when it has been at it."""

SHORT = 12
LONGEST_SLUG = 80


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: its folder and its record."""

    folder: Path
    record: RunRecord


def read_run(folder: Path) -> FinishedRun:
    """Read a finished run.

    Raises
    ------
    DataError
        When its record is missing or damaged.
    """
    where = f"run record {folder / RECORD}"
    if (folder / "runs").is_dir() and not (folder / RECORD).exists():
        names = [path.name for path in sorted((folder / "runs").glob("[!.]*/"))]
        raise DataError(
            f"run {folder}",
            found="a folder of runs",
            expected="one of them",
            hint=f"{folder / 'runs' / names[0]}" if names else None,
        )
    found = read_json(folder / RECORD, "run record")
    try:
        return FinishedRun(folder, RunRecord.model_validate(found))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{where}: {place}" if place else where,
            found=first["msg"],
            expected="a record that this version of tcmgc wrote",
            hint=f"delete {folder} and the run is computed again",
        ) from None


class RunsFolder:
    """What lies in ``OUT``.

    Parameters
    ----------
    out
        The folder; it need not be there yet.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._runs = out / "runs"

    def finished(self) -> list[FinishedRun]:
        """Read all finished runs, sorted by folder.

        Raises
        ------
        DataError
            When a record is damaged.
        """
        folders = sorted(self._runs.iterdir()) if self._runs.is_dir() else []
        return [read_run(path) for path in folders if path.is_dir() and not path.name.startswith(".")]

    def work(self, identity: str) -> Path:
        """Return the folder of a run in work, made where it is not there."""
        folder = self._runs / f".work-{identity[:SHORT]}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def finish(self, record: RunRecord) -> FinishedRun:
        """Rename a run in work, whose files are complete, into place."""
        work = self.work(record.identity)
        write_json(work / RECORD, record.model_dump(mode="json"))
        return self.complete(record)

    def left_complete(self, identity: str) -> RunRecord | None:
        """Return the record of a run that was killed between its last file and its renaming."""
        work = self._runs / f".work-{identity[:SHORT]}"
        return read_run(work).record if all((work / name).is_file() for name in FILES) else None

    def complete(self, record: RunRecord) -> FinishedRun:
        """Drop what the run would have resumed from, and rename it."""
        work = self.work(record.identity)
        shutil.rmtree(work / TRAINING, ignore_errors=True)
        (work / STARTED).unlink(missing_ok=True)
        folder = self._runs / folder_name(record)
        _move(work, folder)
        return FinishedRun(folder, record)

    def relabel(self, run: FinishedRun, record: RunRecord) -> FinishedRun:
        """Give a finished run the label under which it was asked for now."""
        write_json(run.folder / RECORD, record.model_dump(mode="json"))
        folder = self._runs / folder_name(record)
        if folder != run.folder:
            _move(run.folder, folder)
        return FinishedRun(folder, record)

    def supersede(self, run: FinishedRun) -> None:
        """Put a run aside: reports do not look there."""
        aside = self.out / "superseded"
        aside.mkdir(exist_ok=True)
        _move(run.folder, aside / run.folder.name)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: a second process that wants it is refused. A killed one holds nothing.

        Raises
        ------
        DataError
            When another process holds it.
        """
        self._runs.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._runs / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise DataError(
                f"output {self.out}",
                found="another `tcmgc run` at work in it",
                expected="one at a time: wait for it, or give another --out",
            ) from None
        try:
            yield
        finally:
            lock.release()


def folder_name(record: RunRecord) -> str:
    """Name a run's folder: ``<label>-seed<seed>-<identity>``."""
    slug = re.sub(r"[^a-z0-9.]+", "-", record.label.lower()).strip("-.")[:LONGEST_SLUG] or "run"
    return f"{slug}-seed{record.seed}-{record.identity[:SHORT]}"


def _move(folder: Path, to: Path) -> None:
    if to.exists():
        shutil.rmtree(to)
    folder.rename(to)
    if hasattr(os, "O_DIRECTORY"):  # the rename itself survives a loss of power
        descriptor = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(descriptor)
        os.close(descriptor)

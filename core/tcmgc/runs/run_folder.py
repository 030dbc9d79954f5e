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
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from tcmgc.errors import DataError
from tcmgc.files.disk import unwritable, writing

from .json_file import read_json, write_json
from .record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from .record import TestAccess

RECORD, RANKS, HISTORY, CONFIG, WEIGHTS, OUTRANKING = (
    "record.json",
    "ranks.json",
    "history.json",
    "config.yaml",
    "model.safetensors",
    "outranking.safetensors",
)
FILES = (RECORD, RANKS, HISTORY, CONFIG, WEIGHTS, OUTRANKING)
TENSORS = (WEIGHTS, OUTRANKING)
TRAINING, STARTED = "training", "started.json"
"""What a run in work has besides: where it resumes from, and what is known of it from its start."""

SHORT = 12
LONGEST_SLUG = 80
PATIENCE = 30.0
"""Seconds to wait for another process to write a record."""


class RunFolderWarning(UserWarning):
    """Something in the folder of runs is not what it should be, and is left out or removed."""


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


def damage(folder: Path) -> str | None:
    """Say what keeps a folder from being a finished run: the first file that is missing or damaged."""
    for name in FILES:
        path = folder / name
        if not path.is_file() or path.stat().st_size == 0:
            return f"{name} is {'empty' if path.is_file() else 'missing'}"
        try:
            if name in TENSORS:
                with safe_open(path, framework="np"):  # reads the header and checks the size
                    continue
            if name == RECORD:
                read_run(folder)
            elif name != CONFIG:
                read_json(path, "run")
        except DataError as error:
            return f"{name} is damaged: {error.found}"
        except (SafetensorError, OSError) as error:
            return f"{name} is damaged: {error}"
    return None


def change_record(folder: Path, names: Mapping[str, Any], accesses: Collection[TestAccess] = ()) -> RunRecord:
    """Change a finished run's record as it is on the disk now, while no other process does.

    Parameters
    ----------
    folder
        The run's.
    names
        Fields to replace.
    accesses
        Readings of the test split to add.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    with FileLock(folder.parent / ".records.lock", timeout=PATIENCE):
        record = read_run(folder).record
        logged = (*record.test_access, *accesses)
        changed = record.model_copy(update={**names, "test_access": logged})
        write_json(folder / RECORD, changed.model_dump(mode="json"))
    return changed


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

        Warns
        -----
        RunFolderWarning
            For a folder that is none: it is left out, so that a run is computed again.
        """
        found = []
        for folder in sorted(self._runs.iterdir()) if self._runs.is_dir() else []:
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            if (wrong := damage(folder)) is None:
                found.append(read_run(folder))
                continue
            warnings.warn(
                f"{folder} is no finished run and is left out: {wrong}; delete it, or run its recipe again",
                RunFolderWarning,
                stacklevel=2,
            )
        return found

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
        if not (work / RECORD).exists() or damage(work) is not None:
            return None
        return read_run(work).record

    def complete(self, record: RunRecord) -> FinishedRun:
        """Drop what the run would have resumed from, and rename it."""
        work = self.work(record.identity)
        for path in work.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in FILES:
                path.unlink()
        folder = self._runs / folder_name(record)
        _move(work, folder)
        return FinishedRun(folder, record)

    def sweep(self, planned: Mapping[str, tuple[str, int]]) -> None:
        """Remove work that no plan goes on with: that of a planned row and seed under another identity.

        Parameters
        ----------
        planned
            Label and seed by identity.

        Warns
        -----
        RunFolderWarning
            Of what is removed.
        """
        kept = {f".work-{identity[:SHORT]}" for identity in planned}
        for work in sorted(self._runs.glob(".work-*")):
            if work.name in kept or not (work / STARTED).is_file():
                continue
            try:
                started = read_json(work / STARTED, "run in work")
                place = (started["label"], started["seed"])
            except (DataError, KeyError, TypeError):  # not of this version: whose it is is not known
                continue
            if place in planned.values():
                shutil.rmtree(work, ignore_errors=True)
                warnings.warn(
                    f"{work} is removed: {place[0]}, seed {place[1]}, was interrupted there, and is another "
                    "computation now",
                    RunFolderWarning,
                    stacklevel=2,
                )

    def relabel(self, run: FinishedRun, names: Mapping[str, Any]) -> FinishedRun:
        """Give a finished run the label, and what goes with it, under which it was asked for now."""
        record = change_record(run.folder, names)
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
            When another process holds it, or nothing can be written in it.
        """
        with writing("output", self.out):
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
        except OSError as error:
            raise unwritable("output", self.out, error.strerror or str(error)) from None
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

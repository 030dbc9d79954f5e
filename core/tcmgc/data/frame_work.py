"""Frames that are being decoded: what is done stays, whoever is killed.

===================  ======================================================================
``frames.npy``       uint8 [V, F, S, S, 3], the rows of decoded clips filled
``about.json``       what names the frames, and the clips
``journal.jsonl``    a line for each clip that is done
===================  ======================================================================

One process at a time works in the folder, by a lock that the system takes from a killed one. A line is
written after its row, and counts only where the row has the checksum that it tells: so a row that was
half written, or lost with the power, is decoded again.
"""

from __future__ import annotations

import io
import json
import os
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from tcmgc.files.disk import write_text, writing

from .frame_cache import FRAMES, MANIFEST, SCHEMA_VERSION, TIMES, remove_folder, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

WORK = ".work-"
"""Begins the names of folders that are not complete."""
LOCKS = ".locks"
PATIENCE = 1.5
"""Seconds after which a process that waits for another says so."""
ABOUT, JOURNAL = "about.json", "journal.jsonl"

Line = dict[str, Any]
"""Of a clip: its ``row`` and either ``crc32``, ``times``, ``seconds`` and ``reader``, or ``failed``."""


def work_folder(folder: Path) -> Path:
    """Return where the frames of a folder are while they are not complete."""
    return folder.parent / f"{WORK}{folder.name}"


def lock_of(folder: Path) -> FileLock:
    """Return the lock of who decodes the frames of a folder."""
    locks = folder.parent / LOCKS
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{folder.name}.lock")


@dataclass(frozen=True)
class Outcome:
    """What came of the clips.

    Parameters
    ----------
    rows
        Those that were read, ascending.
    times
        Of these, float64 [n, F], seconds from the clip's start, nan in padding.
    clips, unreadable
        What a manifest says of these, and of the others.
    """

    rows: list[int]
    times: NDArray[np.float64]
    clips: list[dict[str, Any]]
    unreadable: list[dict[str, Any]]


@contextmanager
def locked(folder: Path, waits: Callable[[Path], None] | None = None) -> Iterator[None]:
    """Hold the lock of a folder.

    Parameters
    ----------
    folder
        Of frames.
    waits
        Called with the file of the lock when another process has held it for `PATIENCE`.
    """
    lock = lock_of(folder)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        if waits is not None:
            waits(Path(lock.lock_file))
        lock.acquire(timeout=-1)
    try:
        yield
    finally:
        lock.release()


class FrameWork:
    """The unfinished frames of a folder; to be used under its `lock_of` only.

    Parameters
    ----------
    folder
        Where the frames will be.
    shape
        (V, F, S, S, 3).
    about, clips
        What names the frames, and each clip.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, ...],
        about: Mapping[str, Any],
        clips: Sequence[Mapping[str, Any]],
    ) -> None:
        self.folder = folder
        self.path = work_folder(folder)
        self.shape = shape
        self.about = about
        self.clips = clips
        self.lines: dict[int, Line] = {}
        """What is done, by row."""

    def open(self) -> None:
        """Make the folder, its disk space taken for a file of zeros; or go on in the one that is there.

        Raises
        ------
        OSError
            When there is no space, or no right to write.
        """
        sweep(self.folder.parent)
        self.path.mkdir(parents=True, exist_ok=True)
        self._take_space()
        write_text(self.path / ABOUT, json.dumps({"about": self.about, "clips": self.clips}) + "\n")
        self.lines = self._checked_lines()
        text = "".join(_text(line) for line in self.lines.values())
        write_text(self.path / JOURNAL, text)

    @property
    def frames(self) -> Path:
        """The file of frames."""
        return self.path / FRAMES

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """Open the journal for lines to be added."""
        with (self.path / JOURNAL).open("a", encoding="utf-8") as file:
            yield Journal(self, file)

    def finish(self, ids: Sequence[str]) -> None:
        """Close the rows of clips that failed, write the rest and rename the folder.

        Parameters
        ----------
        ids
            Of all clips; every one has a line.

        Raises
        ------
        UnwritableError
            When the disk is full.
        """
        done = self.outcome(ids)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            **self.about,
            "times_crc32": zlib.crc32(done.times.tobytes()),
            "unreadable": done.unreadable,
            "clips": done.clips,
        }
        with writing("frames", self.folder):
            self._close_rows(done.rows)
            np.save(self.path / TIMES, done.times)
            (self.path / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
            for name in (ABOUT, JOURNAL):
                (self.path / name).unlink()
            if self.folder.exists():  # of the same clips, when some of them could not be read
                remove_folder(self.folder)
            self.path.rename(self.folder)

    def outcome(self, ids: Sequence[str]) -> Outcome:
        """Sum up the lines, of which every clip has one.

        Parameters
        ----------
        ids
            Of all clips.
        """
        lines = [self.lines[row] for row in range(self.shape[0])]
        kept = [line for line in lines if "failed" not in line]
        times = np.full((len(kept), self.shape[1]), np.nan)
        for row, line in enumerate(kept):
            times[row, : len(line["times"])] = line["times"]
        told = [
            {"id": ids[line["row"]], **self.clips[line["row"]]}
            | {key: line[key] for key in ("crc32", "seconds", "reader")}
            for line in kept
        ]
        lost = [
            {"id": ids[line["row"]], **self.clips[line["row"]], "reason": line["failed"]["found"] or ""}
            for line in lines
            if "failed" in line
        ]
        return Outcome([line["row"] for line in kept], times, told, lost)

    def _take_space(self) -> None:
        size, head = _size(self.shape)
        made = not self.frames.exists()
        try:
            with self.frames.open("w+b" if made else "r+b") as file:
                file.write(head)
                file.truncate(size)
                if hasattr(os, "posix_fallocate"):
                    # A write to a mapped file on a full disk kills the process: the space is taken before.
                    os.posix_fallocate(file.fileno(), 0, size)
        except OSError:
            if made:
                remove_folder(self.path)
            raise

    def _checked_lines(self) -> dict[int, Line]:
        """Return the lines whose row is what was written, ordered by row."""
        mapped = np.load(self.frames, mmap_mode="r")
        found: dict[int, Line] = {}
        for line in read_journal(self.path):
            row = line["row"]
            if "failed" in line or zlib.crc32(mapped[row]) == line["crc32"]:
                found[row] = line
            else:
                found.pop(row, None)
        return dict(sorted(found.items()))

    def _close_rows(self, kept: Sequence[int]) -> None:
        """Move rows up over those that are left out; a kill amid this has them decoded again."""
        if len(kept) == self.shape[0]:
            return
        mapped = np.load(self.frames, mmap_mode="r+")
        for place, row in enumerate(kept):
            if place != row:
                mapped[place] = mapped[row]
        mapped.flush()
        del mapped
        size, head = _size((len(kept), *self.shape[1:]))
        with self.frames.open("r+b") as file:
            file.write(head)
            file.truncate(size)


class Journal:
    """The open journal of a `FrameWork`."""

    def __init__(self, work: FrameWork, file: Any) -> None:
        self._work = work
        self._file = file

    def add(self, line: Line) -> None:
        """Write that a clip is done."""
        self._work.lines[line["row"]] = line
        self._file.write(_text(line))
        self._file.flush()


def read_journal(path: Path) -> list[Line]:
    """Read the lines of an unfinished folder; the last one may be cut, and is then left out."""
    try:
        text = (path / JOURNAL).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    lines = []
    for each in text.splitlines():
        try:
            line = json.loads(each)
            if isinstance(line["row"], int) and ("failed" in line or isinstance(line["crc32"], int)):
                lines.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    return lines


def _text(line: Line) -> str:
    return json.dumps(line) + "\n"


def _size(shape: tuple[int, ...]) -> tuple[int, bytes]:
    """Return the bytes of a ``.npy`` file of uint8, and its header; this is as long for fewer rows."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": tuple(int(n) for n in shape)}
    )
    return len(head.getvalue()) + int(np.prod(shape, dtype=np.int64)), head.getvalue()

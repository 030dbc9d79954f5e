"""The folder of an index.

::

    index.json       what it was made with, and which arrays it has
    journal.jsonl    the videos, block by block, with checksums
    coarse.npy       a few vectors a video, for the coarse search
    times.npy        the seconds of its frames
    state-NN.npy     what the scorer prepares of it, one file a tensor
    coarse.faiss     lists of near videos; only with FAISS
"""

from __future__ import annotations

import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from filelock import FileLock, Timeout

from tcmgc import __version__
from tcmgc.errors import DataError
from tcmgc.files.disk import writing
from tcmgc.runs.json_file import write_json

from .about import ABOUT, ArrayAbout, IndexAbout, read_about
from .array_file import map_rows, write_rows
from .faiss_coarse import FILE as LISTS
from .journal import JOURNAL, Block, Contents, add_block, read_journal, trim_journal
from .prepared_block import COARSE, TIMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from .about import ModelAbout, SourceAbout
    from .journal import FailedVideo
    from .prepared_block import PreparedBlock

Kept: TypeAlias = Literal["float32", "float16"]
"""Types of numbers in an index."""
LOCK = ".lock"


@dataclass(frozen=True)
class IndexFolder:
    """An index that is read; videos that are added later are not in it.

    Parameters
    ----------
    path
        The folder.
    about
        What it was made with.
    contents
        Its videos.
    """

    path: Path
    about: IndexAbout
    contents: Contents

    @classmethod
    def open(cls, path: Path) -> IndexFolder:
        """Read what is in a folder; arrays are mapped when they are asked for.

        Raises
        ------
        DataError
            When it is no index, or a file of it is damaged.
        """
        about = read_about(path)
        return cls(path, about, read_journal(path))

    @property
    def rows(self) -> int:
        """How many rows arrays have; those of superseded videos included."""
        return len(self.contents.videos)

    @cached_property
    def live(self) -> NDArray[np.int64]:
        """The rows of videos that are found, ascending."""
        return np.array(sorted(self.contents.rows.values()), np.int64)

    @cached_property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Every array, mapped, by name.

        Raises
        ------
        DataError
            When a file is missing, cut, or of another type.
        """
        return {about.name: map_rows(self.path, about, self.rows) for about in self.about.arrays}

    @property
    def coarse_vectors(self) -> int:
        """How many coarse vectors a video has."""
        return next(about.shape[0] for about in self.about.arrays if about.name == COARSE)

    @property
    def bytes_of_a_video(self) -> int:
        """Bytes of a row of all arrays."""
        return sum(array[:1].nbytes for array in self.arrays.values())


class IndexWriter:
    """Adds videos to an index; made by `open_for_writing`.

    Parameters
    ----------
    path
        The folder.
    about
        What it was made with; None for an index that is new.
    contents
        Its videos.
    """

    def __init__(self, path: Path, about: IndexAbout | None, contents: Contents) -> None:
        self.path = path
        self.about = about
        self.contents = contents
        self._waiting: list[PreparedBlock] = []
        """Blocks without a readable video, while there is no index to write them into."""

    @property
    def unreadable(self) -> list[FailedVideo]:
        """Videos of blocks that wait, none of which could be read."""
        return [video for block in self._waiting for video in block.failed]

    def start(self, model: ModelAbout, source: SourceAbout, dtype: Kept) -> None:
        """Say what is added, of which source; ``dtype`` counts where the index is new."""
        self._model, self._source, self._dtype = model, source, dtype
        if self.about is not None:
            self._add_source(self.about)

    def add(self, block: PreparedBlock) -> Block | None:
        """Write a block; None where it waits for the first video that can be read.

        Raises
        ------
        DataError
            When numbers do not fit the index's type, or states its arrays.
        UnwritableError
            When the disk is full.
        """
        if self.about is None:
            if not block.videos:
                self._waiting.append(block)
                return None
            self._create(block)
        for before in (*self._waiting, block):
            written = self._write(before)
        self._waiting.clear()
        return written

    def _create(self, block: PreparedBlock) -> None:
        names = [COARSE, TIMES, *sorted(block.arrays.keys() - {COARSE, TIMES})]
        arrays = []
        for number, name in enumerate(names, start=-2):
            array = block.arrays[name]
            narrow = name != TIMES and array.dtype.kind == "f"
            arrays.append(
                ArrayAbout(
                    name=name,
                    file=f"{name}.npy" if number < 0 else f"state-{number:02}.npy",
                    dtype=self._dtype if narrow else array.dtype.name,
                    shape=array.shape[1:],
                )
            )
        self.about = IndexAbout(
            tcmgc=__version__,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            model=self._model,
            dtype=self._dtype,
            arrays=tuple(arrays),
            sources=(self._source,),
        )
        self._write_about()

    def _add_source(self, about: IndexAbout) -> None:
        if self._source not in about.sources:
            self.about = about.model_copy(update={"sources": (*about.sources, self._source)})
            self._write_about()

    def _write_about(self) -> None:
        assert self.about is not None
        path = self.path / ABOUT
        with writing("index", path):
            write_json(path, self.about.model_dump(mode="json"))

    def _write(self, block: PreparedBlock) -> Block:
        assert self.about is not None
        started = time.perf_counter()
        start = len(self.contents.videos)
        checksums: dict[str, int] = {}
        if block.videos:
            _refuse_other_states(self.path, self.about.arrays, block.arrays)
            for about in self.about.arrays:
                rows = _narrowed(self.path, about, block)
                write_rows(self.path, about, start, rows)
                checksums[about.name] = zlib.crc32(np.ascontiguousarray(rows).data)
        seconds = block.seconds.model_copy(update={"write": time.perf_counter() - started})
        written = Block(
            start=start, videos=block.videos, failed=block.failed, crc32=checksums, seconds=seconds
        )
        add_block(self.path, written)
        self.contents.add(written)
        return written


def _refuse_other_states(path: Path, arrays: Sequence[ArrayAbout], block: Mapping[str, NDArray[Any]]) -> None:
    kept = {about.name: tuple(about.shape) for about in arrays}
    found = {name: array.shape[1:] for name, array in block.items()}
    odd = next(
        (name for name in sorted(kept.keys() | found.keys()) if kept.get(name) != found.get(name)), None
    )
    if odd is not None:
        raise DataError(
            f"index {path}: {odd}",
            found=f"rows of {found.get(odd, 'nothing')}",
            expected=f"rows of {kept.get(odd, 'nothing')}, as it has",
            hint="index all videos again into another folder",
        )


def _narrowed(path: Path, about: ArrayAbout, block: PreparedBlock) -> NDArray[Any]:
    """Convert to the type of the file; a number that is too large for it is an error."""
    array = block.arrays[about.name]
    with np.errstate(over="ignore"):
        rows = array.astype(about.dtype, copy=False)
    if about.name == TIMES or rows.dtype.kind != "f":
        return rows
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, *place = bad[0].tolist()
        raise DataError(
            f"index {path}: {about.name} of video {block.videos[row].id}",
            found=f"{array[(row, *place)]}",
            expected=f"a number that {about.dtype} holds",
            hint="--dtype float32, into another folder" if about.dtype == "float16" else None,
        )
    return rows


@contextmanager
def open_for_writing(path: Path) -> Iterator[IndexWriter]:
    """Open an index, or a folder for a new one, for one process at a time.

    Raises
    ------
    DataError
        When it is no index and holds other files, or another process writes.
    """
    ours = (ABOUT, f"{ABOUT}.part", JOURNAL, LOCK, LISTS)
    if path.is_dir() and not (path / ABOUT).exists():
        others = [e.name for e in path.iterdir() if e.name not in ours and e.suffix != ".npy"]
        if others:
            raise DataError(
                f"index {path}",
                found=f"a folder with other files, as {sorted(others)[0]}",
                expected="a folder that is new, empty or an index",
            )
    with writing("index", path):
        path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK, timeout=0)
    with writing("index", path / LOCK):
        try:
            lock.acquire()
        except Timeout:  # which is an error of the system, too
            raise DataError(
                f"index {path}",
                found="another process that adds videos to it",
                expected="one at a time",
                hint="wait for it, or end it: the same command goes on where it was",
            ) from None
    try:
        if (path / ABOUT).exists():
            trim_journal(path)
            opened = IndexFolder.open(path)
            yield IndexWriter(path, opened.about, opened.contents)
        else:
            (path / JOURNAL).unlink(missing_ok=True)
            for leftover in path.glob("*.npy"):
                leftover.unlink()
            yield IndexWriter(path, None, Contents())
    finally:
        lock.release()

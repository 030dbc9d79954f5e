"""Looking an index through: every byte against its checksum, every video's file against what it was."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError

from .index_folder import IndexFolder

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class IndexCheck:
    """What was found.

    Parameters
    ----------
    index
        The index.
    moved, changed
        Ids of videos whose files are not there any more, or are of another size or time.
    """

    index: IndexFolder
    moved: tuple[str, ...]
    changed: tuple[str, ...]


def check_index(folder: Path, progress: Callable[[int, int], None] | None = None) -> IndexCheck:
    """Read a whole index.

    Parameters
    ----------
    folder
        The index.
    progress
        Called with the videos read so far and in all.

    Raises
    ------
    DataError
        When a file is missing, cut or holds other bytes than were written: with the file and the rows.
    """
    index = IndexFolder.open(folder)
    arrays, files = index.arrays, {about.name: about.file for about in index.about.arrays}
    for block in index.contents.blocks:
        stop = block.start + len(block.videos)
        for name, expected in block.crc32.items():
            if zlib.crc32(np.ascontiguousarray(arrays[name][block.start : stop]).data) != expected:
                raise DataError(
                    f"index {folder / files[name]}",
                    found=f"other bytes in rows {block.start} to {stop - 1} than were written",
                    expected="what tcmgc index wrote",
                    hint="index the videos again into another folder",
                )
        if progress is not None:
            progress(stop, index.rows)
    moved, changed = [], []
    for id_, row in index.contents.rows.items():
        video = index.contents.videos[row]
        try:
            stat = Path(video.path).stat()
        except OSError:
            moved.append(id_)
            continue
        if (stat.st_size, stat.st_mtime_ns) != (video.bytes, video.modified_ns):
            changed.append(id_)
    return IndexCheck(index, tuple(moved), tuple(changed))

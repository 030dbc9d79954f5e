"""From clips to frames in memory, where the cache cannot be written."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError

from .cache_folder import CACHE
from .decode_array import decode_into_array
from .decode_frames import failures, line_of
from .frame_cache import CachedFrames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from .clip import Clip
    from .decode import Decoding
    from .decode_worker import Failed
    from .frame_work import FrameWork, Line


def decode_in_memory(
    work: FrameWork,
    decoding: Decoding,
    clips: Sequence[Clip],
    *,
    progress: Callable[[int, int], None] | None,
    workers: int | None,
    time_limit: float | None,
) -> tuple[CachedFrames, Mapping[str, Failed]]:
    """Decode into an array of this process what the cache took no more.

    Parameters
    ----------
    work
        Where the frames should have gone. What was decoded before the disk was full is copied from there.
    decoding
        How.
    clips
        One a row.
    progress, workers, time_limit
        See `tcmgc.data.frames.load_split`.

    Returns
    -------
    frames, failed
        Of the clips that were read; and why the others were not, by id.

    Raises
    ------
    DataError
        When they do not fit into memory.
    """
    try:
        pixels = np.zeros(work.shape, np.uint8)
    except MemoryError:
        raise DataError(
            f"frames {work.folder}",
            found=f"{np.prod(work.shape) / 1e6:,.0f} MB fit neither there nor into memory",
            expected="a folder with space",
            hint=f"{CACHE}=DIR names another; tcmgc data cache prune --keep GB makes space",
        ) from None
    work.lines = _copied(work, pixels)
    left = [row for row in range(len(clips)) if row not in work.lines]

    def told(number: int, answer: object) -> None:
        work.lines[left[number]] = line_of(left[number], answer)
        if progress is not None:
            progress(len(work.lines), len(clips))

    decode_into_array(
        decoding,
        [clips[row] for row in left],
        pixels,
        rows=left,
        workers=workers,
        time_limit=time_limit,
        told=told,
    )
    done = work.outcome([clip.id for clip in clips])
    for place, row in enumerate(done.rows):
        if place != row:
            pixels[place] = pixels[row]
    found = CachedFrames(pixels[: len(done.rows)], done.times, tuple(done.clips), tuple(done.unreadable))
    return found, failures(work, clips)


def _copied(work: FrameWork, pixels: NDArray[np.uint8]) -> dict[int, Line]:
    """Copy the rows that were decoded; return the lines of these, and of clips that cannot be read."""
    lines = {row: line for row, line in work.lines.items() if "failed" in line}
    try:
        source = np.load(work.frames, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return lines
    if source.shape != pixels.shape:
        return lines
    for row, line in work.lines.items():
        if row not in lines and zlib.crc32(source[row]) == line["crc32"]:
            pixels[row] = source[row]
            lines[row] = line
    return lines

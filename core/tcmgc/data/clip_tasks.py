"""What workers do with clips: decode them into a file, or open them only."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.slots.reader import Alternatives

from .clip_ends import clip_ends
from .probe import with_video

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tcmgc.slots.reader import OpenVideo, Reader

    from .clip import Clip
    from .decode import Decoding


@dataclass(frozen=True)
class Decoded:
    """A clip's answer: its frames are in the file.

    Parameters
    ----------
    times
        Seconds from the clip's start.
    crc32
        Checksum of its row of the file, padding included.
    seconds
        How long the clip is.
    reader
        The version of the reader that read it.
    """

    times: tuple[float, ...]
    crc32: int
    seconds: float
    reader: str


@dataclass
class Sent:
    """A clip's answer where there is no file: what is known of it, with its frames.

    Parameters
    ----------
    decoded
        Without a checksum.
    pixels
        uint8 RGB [n, S, S, 3].
    """

    decoded: Decoded
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class DecodeInto:
    """Decode clips into rows of a file, so that no pixel passes through a pipe; or into the answers.

    Parameters
    ----------
    decoding
        How.
    frames
        A ``.npy`` file, uint8 [V, F, S, S, 3], made already; None to send them with the answers.
    rows
        The row of the clip of each number, in that file.
    """

    decoding: Decoding
    frames: Path | None = None
    rows: tuple[int, ...] = ()

    @property
    def components(self) -> tuple[object, ...]:
        """The reader, with its alternatives, and the sampler."""
        reader = self.decoding.reader
        return (reader, *(reader.readers if isinstance(reader, Alternatives) else ()), self.decoding.sampler)

    def __call__(self, number: int, clip: Clip) -> Decoded | Sent:
        """Decode a clip; what its row held before is gone."""
        found = self.decoding.decode(clip)
        if self.frames is None:
            return Sent(Decoded(tuple(map(float, found.times)), 0, found.seconds, found.reader), found.pixels)
        checksum = write_row(self._mapped[self.rows[number]], found.pixels)
        return Decoded(tuple(map(float, found.times)), checksum, found.seconds, found.reader)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_mapped"}

    @cached_property
    def _mapped(self) -> np.memmap[Any, np.dtype[np.uint8]]:
        assert self.frames is not None
        return np.load(self.frames, mmap_mode="r+")  # type: ignore[no-any-return]


def write_row(row: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> int:
    """Put the frames of a clip into its row, uint8 [F, S, S, 3], zeros behind them; returns its checksum."""
    row[: len(pixels)] = pixels
    row[len(pixels) :] = 0
    return zlib.crc32(row.data)


@dataclass(frozen=True)
class Probed:
    """A clip's answer: its file opens, and the clip is that many seconds long."""

    seconds: float


@dataclass(frozen=True)
class Probe:
    """Open clips, and read no frame.

    Parameters
    ----------
    readers
        The first that opens a clip counts.
    """

    readers: Sequence[Reader]

    @property
    def components(self) -> tuple[object, ...]:
        """The readers."""
        return tuple(self.readers)

    def __call__(self, number: int, clip: Clip) -> Probed:
        """Open a clip."""

        def measure(video: OpenVideo) -> Probed:
            start, end = clip_ends(clip, video.times, video.fps)
            return Probed(end - start)

        return with_video(clip, self.readers, measure)

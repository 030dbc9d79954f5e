"""What is timed with clips in worker processes; workers import these from here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.data.preprocess import square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.data.clip import Clip
    from tcmgc.data.decode import Decoding
    from tcmgc.slots.sampler import Sampler

SUBSTITUTES = "-1"
"""decord's own ``fault_tol``: frames may be filled in."""


@dataclass(frozen=True)
class Nothing:
    """Start a worker, and do nothing: what is taken off the others' times."""

    components: tuple[object, ...] = ()

    def __call__(self, number: int, clip: Clip) -> int:
        """Answer."""
        return 0


@dataclass(frozen=True)
class DecodeOnly:
    """Decode a clip as `tcmgc.data.decode` does, and keep nothing.

    Parameters
    ----------
    decoding
        How.
    """

    decoding: Decoding

    @property
    def components(self) -> tuple[object, ...]:
        """The reader and the sampler."""
        return self.decoding.reader, self.decoding.sampler

    def __call__(self, number: int, clip: Clip) -> int:
        """Return how many frames there are."""
        return len(self.decoding(clip)[0])


@dataclass(frozen=True)
class PlainDecord:
    """decord's loop as a user writes it: open, ``get_batch``, resize as we do; no check of any kind.

    Parameters
    ----------
    sampler
        Which frames.
    image_size
        S, pixels a side.
    """

    sampler: Sampler
    image_size: int

    @property
    def components(self) -> tuple[object, ...]:
        """The sampler."""
        return (self.sampler,)

    def __call__(self, number: int, clip: Clip) -> int:
        """Return how many frames there are."""
        return len(self.frames(clip.path))

    def frames(self, path: Path) -> NDArray[np.uint8]:
        """Read frames, [n, S, S, 3]."""
        import decord  # noqa: PLC0415  # not on every machine

        video = decord.VideoReader(str(path), num_threads=1, fault_tol=SUBSTITUTES)
        fps = video.get_avg_fps()
        frames = video.get_batch(self.sampler(np.arange(len(video)) / fps, fps)).asnumpy()
        return np.stack([square(frame, self.image_size) for frame in frames])


@dataclass(frozen=True)
class Memory:
    """Decode a clip and tell how much memory the worker has.

    Parameters
    ----------
    task
        What decodes.
    """

    task: DecodeOnly

    @property
    def components(self) -> tuple[object, ...]:
        """Those of the task."""
        return self.task.components

    def __call__(self, number: int, clip: Clip) -> int:
        """Return the bytes that the process has in memory after the clip."""
        self.task(number, clip)
        return resident_bytes()


def resident_bytes() -> int:
    """Return the bytes of this process that are in memory (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    size: Any = os.sysconf("SC_PAGE_SIZE")
    return pages * int(size)

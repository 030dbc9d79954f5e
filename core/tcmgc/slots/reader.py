"""The reader slot: pixels of a video file."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class OpenVideo(Protocol):
    """A video file while it is open."""

    fps: float
    """Frames a second, as the container reports."""

    times: NDArray[np.float64]
    """[N], seconds at which each decodable frame is shown, ascending."""

    def read(self, ordinals: Sequence[int]) -> NDArray[np.uint8]:
        """Decode frames by their place in `times`: RGB [n, H, W, 3], rotation applied.

        Raises
        ------
        DataError
            When a frame cannot be decoded; nothing is ever put in its place.
        """
        ...


@runtime_checkable
class Reader(Protocol):
    """Open video files; decoding asks one that is made of others for its `Alternatives`."""

    @property
    def version(self) -> str:
        """The decoder and its version, as ``decord 0.6.0``: decoders differ in the pixels they return."""
        ...

    def open(self, path: Path) -> AbstractContextManager[OpenVideo]:
        """Open a file, which is closed with the context.

        Raises
        ------
        DataError
            When there is no readable video: with the path and the reason.
        """
        ...


@runtime_checkable
class Alternatives(Protocol):
    """A reader that is made of others: each video is read by the first that can, from opening to the end."""

    readers: Sequence[Reader]
    """In the order in which they are tried."""

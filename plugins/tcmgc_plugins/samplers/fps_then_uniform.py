"""CLIP4Clip's frames: so many a second, then thinned evenly."""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tcmgc.errors import DataError

from .window import thin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FpsThenUniform:
    """CLIP4Clip's rule: ``rate`` frames of every second by count, then F of them by ``linspace``.

    As released, seconds are counted in frames: the container's rate is truncated to a whole number
    (29.97 is 29), second s begins at frame s times that, and the last second of the window is included.
    X-CLIP, UCoFiA and TC-MGC sample so, with ``slice_framepos 2``.

    Parameters
    ----------
    frames
        F, the most frames.
    rate
        Frames a second.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860"

    def __init__(self, *, frames: Annotated[int, Field(ge=1)], rate: Annotated[int, Field(ge=1)] = 1) -> None:
        self.frames = frames
        self.rate = rate

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        """Choose frames: of N = len(times) by count; to 1..F ascending places.

        Raises
        ------
        DataError
            When the container reports less than ``rate`` frames a second, or the window holds none:
            the release divides by zero, or gives such a video no frame at all.
        """
        places = self.places(len(times), fps, start, end)
        if not places:
            last = times[-1]
            raise DataError(
                "sampler fps-then-uniform",
                found=f"no frame in the seconds {start} to {end}, of a video whose last is at {last:.2f} s",
                expected="a window that holds a frame",
            )
        return thin(places, self.frames)

    def places(self, count: int, fps: float, start: float | None, end: float | None) -> list[int]:
        """Return the frames before they are thinned, of ``count``."""
        whole = int(fps) if isfinite(fps) else 0
        if whole < self.rate:
            raise DataError(
                "sampler fps-then-uniform",
                found=f"{fps:g} frames a second, as the file reports",
                expected=f"at least {self.rate}, since the rule takes {self.rate} of every second",
                hint="the sampler uniform goes by the frames' own times",
            )
        seconds = ceil(count / whole)
        first = 0 if start is None else int(start)
        last = seconds if end is None else min(int(end), seconds)
        step = whole // self.rate
        offsets = range(0, whole, step)[: self.rate]
        found = (second * whole + offset for second in range(first, last + 1) for offset in offsets)
        return [place for place in found if place < count]

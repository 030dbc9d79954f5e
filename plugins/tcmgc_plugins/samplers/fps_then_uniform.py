"""CLIP4Clip's frames: so many a second, then as many of them as there may be."""

from __future__ import annotations

from math import ceil, isfinite
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tcmgc.errors import DataError

from .window import Keep, generator_of, thin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FpsThenUniform:
    """CLIP4Clip's rule: ``rate`` frames of every second by count, then at most F of them.

    As released, seconds are counted in frames: the container's rate is truncated to a whole number
    (29.97 is 29), second s begins at frame s times that, and the last second of the window is included.
    X-CLIP, UCoFiA and TC-MGC sample so, with ``slice_framepos 2``, which is ``keep: even``.

    Parameters
    ----------
    frames
        F, the most frames.
    rate
        Frames a second (``feature_framerate``); 0 for all.
    keep
        Which stay where there are more than F: the ``first`` (``slice_framepos 0``), the ``last`` (1), or
        F spread evenly from the first to the last (2).
    order
        How the chosen ones are shown (``frame_order``): as they are (0), ``reversed`` (1) or ``shuffled``
        (2). The release shuffles anew whenever it reads a video; here a video has one order for each seed.
    seed
        Of the shuffling.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, rawvideo_util.py and the loaders"

    def __init__(
        self,
        *,
        frames: Annotated[int, Field(ge=1)],
        rate: Annotated[int, Field(ge=0)] = 1,
        keep: Keep = "even",
        order: Literal["given", "reversed", "shuffled"] = "given",
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.frames = frames
        self.rate = rate
        self.keep: Keep = keep
        self.order = order
        self.seed = seed

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        """Choose frames: of N = len(times) by count; to 1..F places.

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
        chosen = thin(places, self.frames, self.keep)
        if self.order == "shuffled":
            return [chosen[k] for k in generator_of(self.seed, times).permutation(len(chosen))]
        return chosen[::-1] if self.order == "reversed" else chosen

    def places(self, count: int, fps: float, start: float | None, end: float | None) -> list[int]:
        """Return the frames before they are thinned, of ``count``."""
        whole = int(fps) if isfinite(fps) else 0
        least = max(1, self.rate)
        if whole < least:
            raise DataError(
                "sampler fps-then-uniform",
                found=f"{fps:g} frames a second, as the file reports",
                expected=f"at least {least}, since the rule counts seconds by whole frames",
                hint="the sampler uniform goes by the frames' own times",
            )
        seconds = ceil(count / whole)
        first = 0 if start is None else int(start)
        last = seconds if end is None else min(int(end), seconds)
        rate = self.rate or whole
        offsets = range(0, whole, whole // rate)[:rate]
        found = (second * whole + offset for second in range(first, last + 1) for offset in offsets)
        return [place for place in found if place < count]

"""Frames spread evenly over the time of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from .window import frames_between

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Uniform:
    """The frame on the screen at the middle of each of F equal stretches of time.

    A clip lasts from its first frame's time to its last one's plus the usual distance of two frames.
    Where one frame is on the screen at two middles, which happens when the rate varies, the next one
    that is still free is taken. A clip of F frames or fewer gives all of them.

    Parameters
    ----------
    frames
        F.
    """

    paper: ClassVar[str] = "TSN, arXiv:1608.00859, segments of equal length"

    def __init__(self, *, frames: Annotated[int, Field(ge=1)]) -> None:
        self.frames = frames

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        """Choose frames: times [N] in seconds to 1..F ascending places."""
        places = frames_between(times, start, end)
        if len(places) <= self.frames:
            return [int(place) for place in places]
        shown = times[places]
        lasts = shown[-1] + float(np.median(np.diff(shown))) - shown[0]
        middles = shown[0] + lasts * (np.arange(self.frames) + 0.5) / self.frames
        # A frame is on the screen until the next one: the one shown at the middle is the last before it.
        # The margin keeps a middle that falls on a frame's own time from being rounded to the one before.
        chosen = np.searchsorted(shown, middles + 1e-6, side="right") - 1
        return [int(places[k]) for k in _distinct(chosen, len(places))]


def _distinct(chosen: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Move places apart until none occurs twice: ascending [F] of ``count`` >= F."""
    places = chosen.copy()
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + 1)
    highest = count - 1
    for k in range(len(places) - 1, -1, -1):
        places[k] = min(places[k], highest)
        highest = places[k] - 1
    return places

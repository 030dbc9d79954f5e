"""What samplers share: frames of a part of a video, and thinning a list of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def frames_between(times: NDArray[np.float64], start: float | None, end: float | None) -> NDArray[np.int64]:
    """Places of the frames that are shown from ``start`` up to ``end``, [n]; the nearest where there is none.

    Parameters
    ----------
    times
        [N], seconds, ascending.
    start, end
        Seconds; None for the video's own.
    """
    low = 0.0 if start is None else start
    inside = (times >= low) & (times < (np.inf if end is None else end))
    places = np.flatnonzero(inside if inside.any() else times == times[np.abs(times - low).argmin()])
    return places.astype(np.int64)


def thin(places: list[int], most: int) -> list[int]:
    """Keep at most ``most``, evenly from the first to the last: the releases' ``slice_framepos 2``.

    ``linspace(0, N - 1, most)``, truncated; a list that is no longer than ``most`` stays as it is.
    """
    if len(places) <= most:
        return places
    return [places[k] for k in np.linspace(0, len(places) - 1, num=most, dtype=int)]

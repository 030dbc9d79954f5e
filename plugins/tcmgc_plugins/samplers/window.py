"""What samplers share: frames of a part of a video, thinning a list of them, and draws."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Keep = Literal["first", "last", "even"]


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


def thin(places: list[int], most: int, keep: Keep = "even") -> list[int]:
    """Keep at most ``most``: the releases' ``slice_framepos``.

    Parameters
    ----------
    places
        N of them; a list that is no longer than ``most`` stays as it is.
    most
        How many may stay.
    keep
        ``first`` (``slice_framepos 0``), ``last`` (1), or ``even`` (2): ``linspace(0, N - 1, most)``,
        truncated.
    """
    if len(places) <= most:
        return places
    if keep != "even":
        return places[:most] if keep == "first" else places[-most:]
    return [places[k] for k in np.linspace(0, len(places) - 1, num=most, dtype=int)]


def generator_of(seed: int, times: NDArray[np.float64]) -> np.random.Generator:
    """Make the source of a video's draws: of the seed and its frames' times, so that samplers stay pure."""
    return np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(times).tobytes())])

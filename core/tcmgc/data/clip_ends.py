"""Where a clip starts and ends in its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .clip import Clip


def clip_ends(clip: Clip, times: NDArray[np.float64], fps: float) -> tuple[float, float]:
    """Seconds of the file at which a clip starts and ends; the file's own where it names none.

    Parameters
    ----------
    clip
        The clip.
    times
        [N], seconds of the file's frames.
    fps
        As reported: how long a single frame is shown.
    """
    alone = 1 / fps if fps > 0 else 0.0
    whole = float(times[-1] + (np.median(np.diff(times)) if len(times) > 1 else alone))
    return clip.start or 0.0, whole if clip.end is None else min(clip.end, whole)

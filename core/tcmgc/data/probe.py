"""Opening a clip's video by the first reader that can."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tcmgc.errors import DataError, TcmgcError

from .decode import unreadable_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tcmgc.slots.reader import OpenVideo, Reader

    from .clip import Clip

Result = TypeVar("Result")


def with_video(clip: Clip, readers: Sequence[Reader], use: Callable[[OpenVideo], Result]) -> Result:
    """Return what ``use`` makes of a clip's open video, by the first of the readers that it works with.

    Raises
    ------
    DataError
        When it works with none: what the first one said.
    """
    problems: list[DataError] = []
    for reader in readers:
        try:
            with reader.open(clip.path) as video:
                return use(video)
        except TcmgcError as error:
            problems.append(unreadable_clip(clip, error))
    if not problems:
        raise DataError("readers", found="none: no plugin registers any", expected="a reader")
    raise problems[0]


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


def clip_seconds(clip: Clip, readers: Sequence[Reader]) -> float:
    """Open a clip's video and say how long the clip is."""

    def measure(video: OpenVideo) -> float:
        start, end = clip_ends(clip, video.times, video.fps)
        return end - start

    return with_video(clip, readers, measure)

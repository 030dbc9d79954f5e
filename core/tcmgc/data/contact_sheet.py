"""A few clips of a split with their frames and captions, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tcmgc.errors import DataError

from .clip_ends import clip_ends
from .probe import with_video

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcmgc.slots.reader import OpenVideo, Reader

    from .clip import Caption, Clip, Split


@dataclass(frozen=True)
class SheetClip:
    """One row of a contact sheet.

    Parameters
    ----------
    clip, captions
        The clip and all that is said about it.
    frames
        Thumbnails of one size, in order.
    times
        Their seconds from the clip's start.
    seconds
        How long the clip is.
    """

    clip: Clip
    captions: tuple[Caption, ...]
    frames: tuple[Image.Image, ...]
    times: tuple[float, ...]
    seconds: float


def sheet_clips(
    split: Split,
    readers: Sequence[Reader],
    *,
    clips: int,
    frames: int = 8,
    height: int = 112,
    progress: Callable[[int, int], None] | None = None,
) -> list[SheetClip]:
    """Read clips that are spread evenly over a split.

    Parameters
    ----------
    split
        Where they come from.
    readers
        The first that reads a clip is taken.
    clips, frames
        How many clips, and frames of each, at most.
    height
        Of a thumbnail, in pixels.
    progress
        Called with the clips that are read and the clips in all.

    Raises
    ------
    DataError
        When no reader reads a clip: what the first said.
    """
    count = min(clips, len(split.clips))
    captions: dict[str, list[Caption]] = {}
    for caption in split.captions:
        captions.setdefault(caption.clip, []).append(caption)
    rows = []
    for done, place in enumerate(
        np.linspace(0, len(split.clips) - 1, num=count).round().astype(int), start=1
    ):
        clip = split.clips[place]
        rows.append(_read(clip, tuple(captions[clip.id]), readers, frames, height))
        if progress is not None:
            progress(done, count)
    return rows


def _read(
    clip: Clip, captions: tuple[Caption, ...], readers: Sequence[Reader], frames: int, height: int
) -> SheetClip:
    def read(video: OpenVideo) -> SheetClip:
        start, end = clip_ends(clip, video.times, video.fps)
        inside = np.flatnonzero((video.times >= start) & (video.times < end))
        if not len(inside):
            raise DataError(f"video {clip.path}", found=f"no frame from {start:g} to {end:g} s")
        chosen = inside[np.linspace(0, len(inside) - 1, num=min(frames, len(inside))).astype(int)]
        pixels = video.read([int(k) for k in chosen])
        width = max(1, round(pixels.shape[2] * height / pixels.shape[1]))
        thumbnails = [
            Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC) for frame in pixels
        ]
        shown = [float(time) for time in video.times[chosen] - start]
        return SheetClip(clip, captions, tuple(thumbnails), tuple(shown), end - start)

    return with_video(clip, readers, read)

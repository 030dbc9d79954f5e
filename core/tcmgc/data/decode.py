"""One clip to frames: sampler, reader and preprocessing together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError, TcmgcError
from tcmgc.slots.reader import Alternatives

from .clip_ends import clip_ends
from .preprocess import square

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.slots.reader import Reader
    from tcmgc.slots.sampler import Sampler

    from .clip import Clip


@dataclass(frozen=True)
class DecodedClip:
    """What decoding a clip gives.

    Parameters
    ----------
    pixels
        uint8 RGB [n, S, S, 3], n from 1 to F.
    times
        [n], seconds from the clip's start.
    seconds
        How long the clip is.
    reader
        The version of the reader that read it.
    """

    pixels: NDArray[np.uint8]
    times: NDArray[np.float64]
    seconds: float
    reader: str


@dataclass(frozen=True)
class Decoding:
    """How clips are decoded.

    Parameters
    ----------
    reader, sampler
        Which frames, and how they are read.
    image_size
        S, pixels a side.
    """

    reader: Reader
    sampler: Sampler
    image_size: int

    def __call__(self, clip: Clip) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Decode a clip to pixels and times; see `decode`."""
        found = self.decode(clip)
        return found.pixels, found.times

    def decode(self, clip: Clip) -> DecodedClip:
        """Decode a clip by the first of the reader's alternatives that can, if it has some.

        Raises
        ------
        DataError
            With the clip, its path and the reason, whatever goes wrong in the file or in a component; where
            all alternatives fail, that of the last one.
        """
        *others, last = self.reader.readers if isinstance(self.reader, Alternatives) else [self.reader]
        for reader in others:
            try:
                return self._decode(clip, reader)
            except DataError:
                continue
        return self._decode(clip, last)

    def _decode(self, clip: Clip, reader: Reader) -> DecodedClip:
        try:
            with reader.open(clip.path) as video:
                times = np.asarray(video.times, dtype=np.float64)
                if times.ndim != 1 or not np.isfinite(times).all():  # nan is padding's time in the cache
                    raise ValueError("the reader tells times that are not all numbers")
                ordinals = [int(k) for k in self.sampler(times, video.fps, clip.start, clip.end)]
                self._check(ordinals, len(times))
                frames = video.read(ordinals)
                start, end = clip_ends(clip, times, video.fps)
            if len(frames) != len(ordinals):
                raise ValueError(f"the reader returns {len(frames)} frames for {len(ordinals)}")
            if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
                # Others would be cast as they are put into the cache: those from 0 to 1 to black.
                raise ValueError(f"the reader returns {frames.dtype} {frames.shape}, not uint8 [n, H, W, 3]")
            pixels = np.stack([square(frame, self.image_size) for frame in frames])
        except TcmgcError as error:
            raise unreadable_clip(clip, error) from None
        except Exception as error:  # a plugin's reader or sampler may raise anything
            raise DataError(
                f"clip {clip.id}: video {clip.path}",
                found=f"{type(error).__name__}: {error}",
                expected="a video that the reader and the sampler take",
            ) from error
        return DecodedClip(pixels, times[ordinals] - start, end - start, reader.version)

    def _check(self, ordinals: list[int], count: int) -> None:
        if not 1 <= len(ordinals) <= self.sampler.frames or not all(0 <= k < count for k in ordinals):
            raise ValueError(
                f"the sampler chooses {ordinals} of {count} frames, and may choose 1 to {self.sampler.frames}"
            )


def unreadable_clip(clip: Clip, error: TcmgcError) -> DataError:
    """Say which clip an error is about."""
    video = f"video {clip.path}"
    where = f"clip {clip.id}: {video}" + ("" if error.where == video else f": {error.where}")
    return DataError(where, found=error.found, expected=error.expected, hint=error.hint)

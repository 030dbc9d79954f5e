"""X-Pool's frames: one of each of F stretches of equally many frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from tcmgc.errors import DataError

from .window import frames_between, generator_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Intervals:
    """One frame of each of k = min(F, N) stretches, whose borders are ``linspace(0, N, k + 1)``, truncated.

    Frames count, not times. X-Pool takes the middle of a stretch [a, b), ``(a + b - 1) // 2``, in training
    and in evaluation (``video_sample_type uniform``). A shorter video has fewer frames; X-Pool then repeats
    the last one, which is `OpenClip`'s ``padding: last``.

    Parameters
    ----------
    frames
        F, the most frames.
    pick
        ``middle``; ``random``, any frame of the stretch; or ``random-released``, X-Pool's ``rand``, which
        never takes a stretch's last frame and so fails where one has a single frame (N < 2 F). The release
        draws anew whenever it reads a video; here a video has one draw for each seed.
    seed
        Of the draws.
    """

    paper: ClassVar[str] = "X-Pool, arXiv:2203.15086, datasets/video_capture.py"

    def __init__(
        self,
        *,
        frames: Annotated[int, Field(ge=1)],
        pick: Literal["middle", "random", "random-released"] = "middle",
        seed: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self.frames = frames
        self.pick = pick
        self.seed = seed

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        """Choose frames: of those of the window, N, by count; to 1..F ascending places.

        Raises
        ------
        DataError
            With ``random-released``, when a stretch has one frame.
        """
        places = frames_between(times, start, end)
        count = len(places)
        borders = np.linspace(0, count, min(self.frames, count) + 1).astype(int)
        lows, highs = borders[:-1], borders[1:]
        if self.pick == "middle":
            chosen = (lows + highs - 1) // 2
        else:
            ends = highs - 1 if self.pick == "random-released" else highs
            if (ends <= lows).any():
                raise DataError(
                    "sampler intervals",
                    found=f"{count} frames in {len(lows)} stretches, one of a single frame",
                    expected=f"at least {2 * self.frames} frames, as a stretch's last is never taken",
                    hint="pick: random takes any",
                )
            chosen = generator_of(self.seed, times).integers(lows, ends)
        return [int(places[k]) for k in chosen]

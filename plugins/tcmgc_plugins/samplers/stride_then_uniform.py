"""DRL's frames: every so manieth, then thinned evenly."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tcmgc.errors import DataError

from .window import thin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StrideThenUniform:
    """DRL's rule, one frame a second: every n-th frame, n the rate rounded, then F of them by ``linspace``.

    As released, n is Python's ``round`` of the container's average rate, which takes halves to the even
    number (12.5 is 12). The window begins at frame ``int(start * rate)``, which may be the frame before the
    second (59 at 2 s of 29.97), and holds frame ``int(end * rate)``.

    Parameters
    ----------
    frames
        F, the most frames.
    """

    paper: ClassVar[str] = "DRL, arXiv:2203.07111, the loaders' decord reader"

    def __init__(self, *, frames: Annotated[int, Field(ge=1)]) -> None:
        self.frames = frames

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        """Choose frames: of N = len(times) by count; to 1..F ascending places.

        Raises
        ------
        DataError
            When the rate rounds to 0, where the release raises, or the window begins after the last frame.
        """
        stride = round(fps) if isfinite(fps) else 0
        if stride < 1:
            raise DataError(
                "sampler stride-then-uniform",
                found=f"{fps:g} frames a second, as the file reports",
                expected="a rate that rounds to at least 1, since that is the stride",
                hint="the sampler uniform goes by the frames' own times",
            )
        first = 0 if start is None else int(start * fps)
        last = len(times) - 1 if end is None else min(int(end * fps), len(times) - 1)
        places = list(range(first, last + 1, stride))
        if not places:
            raise DataError(
                "sampler stride-then-uniform",
                found=f"no frame in the seconds {start} to {end}, of a video of {len(times)} frames",
                expected="a window that holds a frame",
            )
        return thin(places, self.frames)

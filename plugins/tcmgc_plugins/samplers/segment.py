"""One frame of each of F equal stretches of time: the middle one, or in training a random one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from .uniform import Uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Segment:
    """TSN's segments: the frame at the middle of each of F equal stretches, and in training a random one.

    Evaluated, it is the sampler ``uniform``. For training, every stretch is cut into ``per_segment`` equal
    parts, whose middle frames are decoded; each epoch shows one of them, drawn evenly for each stretch on
    its own. A clip with fewer frames than that is cut by count; one of F frames or fewer shows all of them.

    Parameters
    ----------
    frames
        F.
    per_segment
        How many frames of a stretch a training may show. The cached frames of the train split are so many
        times as large.
    """

    paper: ClassVar[str] = (
        "TSN, arXiv:1608.00859, section 3.1: a snippet is randomly sampled from its segment"
    )

    def __init__(
        self, *, frames: Annotated[int, Field(ge=1)], per_segment: Annotated[int, Field(ge=2)] = 4
    ) -> None:
        self.frames = frames
        self.per_segment = per_segment

    @property
    def candidates(self) -> Uniform:
        """The frames that are decoded for training: F times ``per_segment``."""
        return Uniform(frames=self.frames * self.per_segment)

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        """Choose frames to evaluate: times [N] in seconds to 1..F ascending places."""
        return Uniform(frames=self.frames)(times, fps, start, end)

    def draw(self, times: NDArray[np.float64], generator: np.random.Generator) -> list[int]:
        """Draw one of the candidates of each stretch: times [n] in seconds to 1..F ascending places."""
        count = len(times)
        if count <= self.frames:
            return list(range(count))
        # Candidates are evenly spread over time: stretches of time are stretches of their list.
        ends = np.arange(self.frames + 1) * count // self.frames
        drawn: list[int] = generator.integers(ends[:-1], ends[1:]).tolist()
        return drawn

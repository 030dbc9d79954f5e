"""The sampler slot: which frames of a video are looked at."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@runtime_checkable
class Sampler(Protocol):
    """A pure function of a video's frame times: a rule that draws does so by its seed and the times."""

    frames: int
    """F, the most frames it chooses."""

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        """Choose frames.

        Parameters
        ----------
        times
            [N], seconds at which each frame is shown, ascending.
        fps
            Frames a second as the container reports them; published rules count by it.
        start, end
            The part of the video to look at, in seconds; None for all of it.

        Returns
        -------
        list of int
            1 to F places in ``times``, in the order in which a model sees the frames.
        """
        ...


@runtime_checkable
class RandomSampler(Sampler, Protocol):
    """A sampler that shows other frames of a clip in every epoch of training.

    Calling it is pure, as with every sampler: so a split is evaluated. A training decodes the candidates of
    its clips, once, into the cache, and draws among them in memory.
    """

    @property
    def candidates(self) -> Sampler:
        """What chooses the P frames of a clip that are decoded for training."""
        ...

    def draw(self, times: NDArray[np.float64], generator: np.random.Generator) -> list[int]:
        """Draw the frames of one clip for one epoch.

        Parameters
        ----------
        times
            [n], seconds from the clip's start of the candidates that it has, ascending; n from 1 to P.
        generator
            The only source of chance: seeded by the training's seed, the epoch and the clip.

        Returns
        -------
        list of int
            1 to F places in ``times``, ascending.
        """
        ...

"""Warm-up, then a cosine, as released with CLIP4Clip."""

import math
from typing import Annotated, ClassVar

from pydantic import Field


class WarmupCosine:
    """``x / warmup`` below ``warmup``, then ``(1 + cos(pi x)) / 2``.

    The first update has rate 0, and the cosine starts at the beginning of the run, not at the end of
    the warm-up: at 0.1 the factor falls from 1 to 0.976 at once. Beyond 1 it would rise again.

    Parameters
    ----------
    warmup
        Share of all steps. X-Pool's release truncates it to whole steps; here it is taken as it is.
    rebased
        Start the cosine at the end of the warm-up, ``(1 + cos(pi (x - warmup) / (1 - warmup))) / 2``, without
        the fall: the schedule of transformers, which X-Pool uses.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, modules/optimization.py: warmup_cosine"

    def __init__(self, *, warmup: Annotated[float, Field(ge=0, le=1)] = 0.1, rebased: bool = False) -> None:
        if rebased and warmup == 1:
            raise ValueError("warmup = 1 leaves a rebased cosine nothing")
        self.warmup = warmup
        self.rebased = rebased

    def __call__(self, progress: float) -> float:
        """Return the factor."""
        if progress < self.warmup:
            return progress / self.warmup
        start = self.warmup if self.rebased else 0.0
        return 0.5 * (1.0 + math.cos(math.pi * (progress - start) / (1.0 - start)))

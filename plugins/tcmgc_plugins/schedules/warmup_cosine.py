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
        Share of all steps.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, modules/optimization.py: warmup_cosine"

    def __init__(self, *, warmup: Annotated[float, Field(ge=0, le=1)] = 0.1) -> None:
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        """Return the factor."""
        if progress < self.warmup:
            return progress / self.warmup
        return 0.5 * (1.0 + math.cos(math.pi * progress))

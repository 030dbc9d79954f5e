"""Warm-up, then a line down to 0, as released with CLIP4Clip."""

from typing import Annotated, ClassVar

from pydantic import Field


class WarmupLinear:
    """``x / warmup`` below ``warmup``, then ``(1 - x) / (1 - warmup)``, and 0 beyond 1.

    Parameters
    ----------
    warmup
        Share of all steps.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, modules/optimization.py: warmup_linear"

    def __init__(self, *, warmup: Annotated[float, Field(ge=0, lt=1)] = 0.1) -> None:
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        """Return the factor."""
        if progress < self.warmup:
            return progress / self.warmup
        return max((progress - 1.0) / (self.warmup - 1.0), 0.0)

"""A constant rate, after a warm-up where one is asked for."""

from typing import Annotated, ClassVar

from pydantic import Field


class Constant:
    """``x / warmup`` below ``warmup``, then 1.

    Parameters
    ----------
    warmup
        Share of all steps; none by default.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, modules/optimization.py: warmup_constant"

    def __init__(self, *, warmup: Annotated[float, Field(ge=0, le=1)] = 0.0) -> None:
        self.warmup = warmup

    def __call__(self, progress: float) -> float:
        """Return the factor."""
        return progress / self.warmup if progress < self.warmup else 1.0

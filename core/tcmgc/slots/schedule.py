"""The schedule slot: the learning rate over a training run."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Schedule(Protocol):
    """A factor of every group's learning rate."""

    def __call__(self, progress: float) -> float:
        """Return the factor of a step, given its number (from 0) as a share of all steps."""
        ...

"""What an experiment tells whoever waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tcmgc.runs.run_folder import FinishedRun


@dataclass(frozen=True)
class RunName:
    """One run among those of an experiment.

    Parameters
    ----------
    number, total
        Its place, from 1, and how many runs there are, those included that were finished before.
    label, seed
        Its row and its seed.
    """

    number: int
    total: int
    label: str
    seed: int


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Parameters
    ----------
    share
        From 0 to 1.
    activity
        ``training``, ``encoding`` or ``evaluating``.
    epoch, epochs
        The epoch at work, from 1, and how many there are; 0 where nothing is trained.
    loss
        Of the last step, if there is one.
    val
        The number that selects, at the end of an epoch.
    """

    share: float
    activity: str
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    val: float | None = None


class Listener:
    """Hears of everything and says nothing; override what is of interest."""

    def preparing(self, what: str, unit: str, done: int, total: int) -> None:
        """Hear that data are made or decoded."""

    def waits(self, lock: Path) -> None:
        """Hear that another process decodes the same clips, and is waited for; it holds a file's lock."""

    def prepared(self) -> None:
        """Hear that they are there."""

    def planned(self, weights: Sequence[float]) -> None:
        """Hear which runs are to do: about how long each takes, in arbitrary units."""

    def reused(self, name: RunName, run: FinishedRun) -> None:
        """Hear of a run that was finished before."""

    def started(self, name: RunName, stale: Sequence[str]) -> None:
        """Hear that a run starts or goes on; ``stale`` says why an earlier one does not count any more."""

    def advanced(self, name: RunName, progress: RunProgress) -> None:
        """Hear how far a run is."""

    def finished(self, name: RunName, run: FinishedRun) -> None:
        """Hear that a run is finished."""

    def failed(self, name: RunName, error: Exception) -> None:
        """Hear that a run failed; the others go on."""

"""``history.json``: how the training went."""

from __future__ import annotations

from pydantic import Field

from .json_file import FileContent


class Epoch(FileContent):
    """One epoch: its mean loss, and the metrics on the validation split by direction and name."""

    epoch: int
    loss: float | None
    val: dict[str, dict[str, float]] = Field(default_factory=dict)


class Step(FileContent):
    """The loss of one step."""

    step: int
    loss: float | None


class History(FileContent):
    """All epochs and steps; none where nothing was trained."""

    epochs: tuple[Epoch, ...] = ()
    steps: tuple[Step, ...] = ()

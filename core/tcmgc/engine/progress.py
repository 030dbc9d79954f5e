"""What a training tells whoever waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class TrainingProgress:
    """One message; sent after every step and after every epoch.

    Parameters
    ----------
    epoch, epochs
        The epoch at work, from 1, and how many there are.
    step, steps
        What is done and what is to do in all of the activity: updates of a training, captions and
        clips of an encoding. Their ratio is what a bar shows. A resumed training begins where it stood.
    loss
        Of the last step; None before the first.
    val
        The selection metric on the validation split, in the message at the end of an epoch; else None.
    activity
        ``training``, or ``encoding`` where a frozen encoder's features are computed before it.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float | None = None
    val: float | None = None
    activity: Literal["encoding", "training"] = "training"


ShowTraining: TypeAlias = "Callable[[TrainingProgress], None]"
"""Receives the messages of a training."""

ShowItems: TypeAlias = "Callable[[int, int], None]"
"""Receives the items that are done and the items in all."""

"""What is written down while a model trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .parameter_groups import Part


class EpochRecord(TypedDict):
    """One epoch.

    Attributes
    ----------
    epoch
        From 1.
    loss, terms
        Means over its steps: the weighted sum, and every loss before its weight.
    learning_rates
        Of its last step, for the new modules and for the encoder; None where none of them is trained.
    logit_scale
        The scale itself after its last step.
    val
        Every metric on the validation split, in both directions, after its last step.
    seconds
        Of training and validation.
    """

    epoch: int
    loss: float
    terms: dict[str, float]
    learning_rates: dict[Part, float | None]
    logit_scale: float
    val: dict[str, dict[str, float]]
    seconds: float


class StepRecord(TypedDict):
    """One step, from 1, and its loss."""

    step: int
    loss: float


class History(TypedDict):
    """All epochs and all steps, as a run's ``history.json`` has them."""

    schema_version: int
    epochs: list[EpochRecord]
    steps: list[StepRecord]


class Selection(TypedDict):
    """The epoch whose weights were kept, and what it had on the validation split."""

    epoch: int
    metric: str
    direction: str
    value: float


def new_history() -> History:
    """Make an empty history."""
    return History(schema_version=1, epochs=[], steps=[])


class Means:
    """Running sums of an epoch's losses."""

    def __init__(self) -> None:
        self._steps = 0
        self._loss = 0.0
        self._terms: dict[str, float] = {}

    def add(self, loss: float, terms: Mapping[str, float]) -> None:
        """Add a step."""
        self._steps += 1
        self._loss += loss
        for name, value in terms.items():
            self._terms[name] = self._terms.get(name, 0.0) + value

    @property
    def loss(self) -> float:
        """Mean of the weighted sum."""
        return self._loss / self._steps

    @property
    def terms(self) -> dict[str, float]:
        """Means of the losses before their weights."""
        return {name: value / self._steps for name, value in self._terms.items()}

"""How a model is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.errors import ConfigError

if TYPE_CHECKING:
    from tcmgc.ranking import Direction
    from tcmgc.slots.optimizer import Optimizer
    from tcmgc.slots.schedule import Schedule


@dataclass(frozen=True)
class TrainingSettings:
    """What `tcmgc.engine.train.train` needs besides model and data.

    Parameters
    ----------
    epochs
        How often every clip is seen.
    batch_size
        Clips a step, each with one of its captions; at least 2, as a clip is contrasted with others.
    learning_rate
        Of the modules behind the encoder.
    encoder_learning_rate
        Of the encoder, and of the logit scale, which is CLIP's.
    optimizer, schedule
        Components.
    gradient_clip
        The largest norm of all gradients together; None for no limit.
    selection_metric, selection_direction
        The number, by its short name as ``r1``, that the best epoch has on the validation split.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    encoder_learning_rate: float
    optimizer: Optimizer
    schedule: Schedule
    gradient_clip: float | None = 1.0
    selection_metric: str = "r1"
    selection_direction: Direction = "t2v"

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 2)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"training.{name}", found=str(getattr(self, name)), expected=f"at least {least}"
                )
        for name in ("learning_rate", "encoder_learning_rate"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"training.{name}", found=str(getattr(self, name)), expected="0 or more")
        if self.gradient_clip is not None and not self.gradient_clip > 0:
            raise ConfigError(
                "training.gradient_clip", found=str(self.gradient_clip), expected="a norm above 0, or null"
            )

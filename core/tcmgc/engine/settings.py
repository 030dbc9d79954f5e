"""How a model is trained."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tcmgc.errors import ConfigError
from tcmgc.recipes.structure import TrainingKeys
from tcmgc.schema import describe_type, slot_fields

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
    hard_negatives
        Whether the clips of a group meet in one batch (NegCLIP, arXiv:2210.01936).
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
    hard_negatives: bool = False
    selection_metric: str = "r1"
    selection_direction: Direction = "t2v"

    def __post_init__(self) -> None:
        own = {field.name for field in fields(self)} & TrainingKeys.model_fields.keys()
        plain = own - slot_fields(TrainingKeys).keys()
        try:
            TrainingKeys.model_validate({name: getattr(self, name) for name in plain})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            info = TrainingKeys.model_fields[name]
            raise ConfigError(
                f"training.{name}",
                found=f"{first['input']!r}",
                expected=describe_type(info.annotation, info.metadata),
            ) from None

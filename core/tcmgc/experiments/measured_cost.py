"""The cost of an evaluated model's scoring, for a record; a run is not lost where it cannot be measured."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING

from tcmgc.cost.scoring_cost import scoring_cost

if TYPE_CHECKING:
    from tcmgc.engine.encoded_model import EncodedModel

    from .evaluate import Evaluation


class CostWarning(UserWarning):
    """What scoring costs is not in a run's record."""


def measured_cost(model: EncodedModel, evaluation: Evaluation) -> dict[str, int]:
    """Return the fields of `tcmgc.runs.record.Cost` that are about scoring; none where that fails.

    Parameters
    ----------
    model
        Was evaluated.
    evaluation
        What that gave: the size of the gallery.
    """
    try:
        return asdict(scoring_cost(model.head, evaluation.metrics["t2v"]["items"]))
    except Exception as error:  # of a component, with features that it has not seen in the evaluation
        said = str(error).partition("\n")[0]
        warnings.warn(
            f"what scoring costs could not be measured: {type(error).__name__}: {said}",
            CostWarning,
            stacklevel=2,
        )
        return {}

"""Which epoch is best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import ConfigError, nearest
from tcmgc.evaluation import metrics

from .history import Selection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from tcmgc.data.clip import Split
    from tcmgc.ranking import Direction
    from tcmgc.slots.metric import Metric


class Validation:
    """Measures epochs on the validation split and says which is the best.

    Parameters
    ----------
    split
        The validation split.
    measures
        All metrics, by the name they are registered under.
    metric, direction
        The number that selects, by its short name as ``r1``. Whether more or less of it is better is
        found by what a perfect and a worst ranking of the split have.

    Raises
    ------
    ConfigError
        When no metric gives such a number, or it cannot tell a perfect ranking from the worst.
    """

    def __init__(
        self, split: Split, measures: Mapping[str, Metric], metric: str, direction: Direction
    ) -> None:
        self._clip_of_caption = split.clip_of_caption
        self._measures = measures
        self.metric = metric
        self.direction = direction
        perfect_TV = np.zeros((len(split.captions), len(split.clips)), dtype=np.float32)
        perfect_TV[np.arange(len(perfect_TV)), self._clip_of_caption] = 1.0
        best = self.measure(perfect_TV)[direction]
        worst = self.measure(-perfect_TV)[direction]
        if metric not in best:
            raise ConfigError(
                "training.selection.metric",
                found=repr(metric),
                expected=f"one of {', '.join(best)}",
                hint=nearest(metric, best),
            )
        if best[metric] == worst[metric]:
            raise ConfigError(
                "training.selection.metric",
                found=f"{metric}, which is {best[metric]:g} for the best and the worst ranking of "
                f"{len(split.clips)} validation clips",
                expected="a number that tells epochs apart",
            )
        self._more_is_better = best[metric] > worst[metric]

    def measure(self, similarity_TV: ArrayLike) -> dict[str, dict[str, float]]:
        """Return every metric's numbers, ties at their expectation, under ``t2v`` and ``v2t``."""
        found = metrics(similarity_TV, self._clip_of_caption, measures=self._measures)
        return {direction: numbers["values"] for direction, numbers in found.items()}

    def value(self, val: Mapping[str, Mapping[str, float]]) -> float:
        """Pick the number that selects."""
        return val[self.direction][self.metric]

    def select(self, best: Selection | None, epoch: int, value: float) -> Selection:
        """Return the better of the best so far and a new epoch; of equals the earlier."""
        if best is not None:
            gain = value - best["value"] if self._more_is_better else best["value"] - value
            if gain <= 0:
                return best
        return Selection(epoch=epoch, metric=self.metric, direction=self.direction, value=value)

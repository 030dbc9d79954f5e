"""The aggregator slot: the parts of a score to one total."""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class ScoreAggregator(Protocol):
    """Combine the scores of K granularities."""

    def __call__(self, parts: Tensor) -> Tensor:
        """Reduce parts [T, V, K], in the order of the recipe's granularities, to [T, V]."""
        ...

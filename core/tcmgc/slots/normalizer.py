"""The normalizer slot: test-time normalisation of scores."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, runtime_checkable

from torch import Tensor

from tcmgc.ranking import Direction

Needs = Literal["nothing", "bank", "test-queries"]
"""What a normalizer looks at beyond one query's scores."""

AppliesTo = Literal["parts", "total"]
"""What it rescores: every granularity before the aggregator, or what comes out of that."""


@runtime_checkable
class Normalizer(Protocol):
    """Rescore the test scores.

    `needs` declares what the method looks at beyond one query's scores: nothing, a bank of training
    queries, or all test queries. The declaration is written beside every number the method touches.
    `applies_to` declares whether it is published on the scores of granularities or on their total
    (`tcmgc.normalized_scores` does as it says).
    """

    needs: ClassVar[Needs]
    applies_to: ClassVar[AppliesTo]

    def __call__(
        self, parts: Mapping[str, Tensor], bank: Mapping[str, Tensor] | None, direction: Direction
    ) -> dict[str, Tensor]:
        """Rescore parts, each [T, V].

        Parameters
        ----------
        parts
            Scores of the test texts and the test videos, by granularity; or the total alone, under
            ``total``, where `applies_to` is that.
        bank
            For t2v the scores of B training texts and the test videos, [B, V] each; for v2t those of
            the test texts and B training videos, [T, B] each; B is at least 1. None where `needs` is
            not ``bank``.
        direction
            Which side asks.
        """
        ...

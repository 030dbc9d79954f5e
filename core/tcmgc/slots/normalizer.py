"""The normalizer slot: test-time normalisation of scores, before aggregation."""

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, runtime_checkable

from torch import Tensor

from tcmgc.ranking import Direction

Needs = Literal["nothing", "bank", "test-queries"]


@runtime_checkable
class Normalizer(Protocol):
    """Rescore every part of the test scores.

    `needs` declares what the method looks at beyond one query's scores: nothing, a bank of training
    queries, or all test queries. The declaration is written beside every number the method touches.
    """

    needs: ClassVar[Needs]

    def __call__(
        self, parts: Mapping[str, Tensor], bank: Mapping[str, Tensor] | None, direction: Direction
    ) -> dict[str, Tensor]:
        """Rescore parts, each [T, V].

        Parameters
        ----------
        parts
            Scores of the test texts and the test videos, by granularity.
        bank
            For t2v the scores of B training texts and the test videos, [B, V] each; for v2t those of
            the test texts and B training videos, [T, B] each. None where `needs` is not ``bank``.
        direction
            Which side asks.
        """
        ...

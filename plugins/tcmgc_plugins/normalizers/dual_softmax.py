"""Dual softmax: a score times how much its candidate wants this query among all test queries."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from tcmgc.ranking import Direction
from tcmgc.slots.normalizer import AppliesTo, Needs


def dual_softmax(scores: Tensor, temperature: float, *, queries: int) -> Tensor:
    """``S * Q softmax_q(S / temperature)`` (CAMoE, arXiv:2109.04290, dual softmax; its released ``DSL.py``).

    The softmax runs over the queries, so it says which query a candidate would choose. Q is their number:
    a candidate without a preference keeps its scores.

    Parameters
    ----------
    scores
        S, one axis queries, the other candidates.
    temperature
        In units of the scores.
    queries
        The axis of the queries.

    Returns
    -------
    Tensor
        As ``scores``.
    """
    return scores * (scores / temperature).softmax(dim=queries) * scores.shape[queries]


class DualSoftmax:
    """Favour pairs that choose each other, judged over all queries of the test.

    A score is multiplied with a softmax over the test queries. So a query's result depends on what else is
    asked, and with one query nothing changes. A score below 0 is moved up where its candidate wants other
    queries, which is not what is meant: the formula is as published.

    Parameters
    ----------
    temperature
        Of the softmax, in units of the scores. The released code has 1000, for scores that bear a logit scale
        of about 100, and recommends to tune it; for cosines divide by that scale.
    """

    paper: ClassVar[str] = "CAMoE, arXiv:2109.04290, dual softmax (DSL)"
    needs: ClassVar[Needs] = "test-queries"
    applies_to: ClassVar[AppliesTo] = "total"

    def __init__(self, *, temperature: Annotated[float, Field(gt=0)] = 1000.0) -> None:
        self.temperature = temperature

    def __call__(
        self, parts: Mapping[str, Tensor], bank: Mapping[str, Tensor] | None, direction: Direction
    ) -> dict[str, Tensor]:
        """Rescore [T, V]: over the texts where they ask, over the videos where those do."""
        queries = 0 if direction == "t2v" else 1
        return {name: dual_softmax(part, self.temperature, queries=queries) for name, part in parts.items()}

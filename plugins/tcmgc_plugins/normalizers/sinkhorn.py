"""Sinkhorn-Knopp normalisation (SK-norm) with a bank of training queries."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from tcmgc.ranking import Direction
from tcmgc.slots.normalizer import AppliesTo, Needs


def sinkhorn_biases(scores: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Biases that bring ``exp(scores)`` towards equal row and column sums.

    SK-norm of UCoFiA, arXiv:2309.10091:
    ``K = exp(scores - max)``, ``b = 1 / colsum(K)``, then ``iterations`` times ``a = 1 / (K b)``,
    ``b = 1 / (a K)``. Computed in logarithms, so that small scores do not underflow.

    Parameters
    ----------
    scores
        [R, C].
    iterations
        Of the alternation.

    Returns
    -------
    tuple
        ``log_softmax(log a)`` [R] and ``log_softmax(log b)`` [C]; the maximum cancels in both.
    """
    shifted = scores - scores.max()
    log_b = -shifted.logsumexp(dim=0)
    log_a = shifted.new_zeros(len(shifted))
    for _ in range(iterations):
        log_a = -(shifted + log_b).logsumexp(dim=1)
        log_b = -(shifted + log_a[:, None]).logsumexp(dim=0)
    return log_a.log_softmax(dim=0), log_b.log_softmax(dim=0)


class Sinkhorn:
    """Add to every candidate the bias that evens it out over a bank of training queries.

    Computed for each granularity, at the scale of its own scores, before aggregation. No statistics
    of the test queries are used.

    Parameters
    ----------
    iterations
        4 in the released code.
    """

    paper: ClassVar[str] = "UCoFiA, arXiv:2309.10091, SK-norm"
    needs: ClassVar[Needs] = "bank"
    applies_to: ClassVar[AppliesTo] = "parts"

    def __init__(self, *, iterations: Annotated[int, Field(ge=1)] = 4) -> None:
        self.iterations = iterations

    def __call__(
        self, parts: Mapping[str, Tensor], bank: Mapping[str, Tensor] | None, direction: Direction
    ) -> dict[str, Tensor]:
        """Rescore parts [T, V] with a bank of [B, V] (t2v) or [T, B] (v2t) each."""
        if bank is None:
            raise ValueError("sinkhorn needs a bank")
        rescored: dict[str, Tensor] = {}
        for name, part in parts.items():
            queries_by_candidates = bank[name] if direction == "t2v" else bank[name].T
            _, bias = sinkhorn_biases(queries_by_candidates, self.iterations)
            rescored[name] = part + (bias if direction == "t2v" else bias[:, None])
        return rescored

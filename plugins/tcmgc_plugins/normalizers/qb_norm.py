"""Querybank normalisation (QB-Norm) with the dynamic inverted softmax."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tcmgc.ranking import Direction
from tcmgc.slots.normalizer import AppliesTo, Needs


def dynamic_inverted_softmax(scores: Tensor, bank: Tensor, *, beta: float, k: int) -> Tensor:
    """Dynamic inverted softmax (QB-Norm, arXiv:2112.12777, section 3, its released code).

    With b over the queries of the bank, query q and candidate g:
    ``exp(beta s(q, g)) / sum_b exp(beta s(b, g))`` where the best candidate of q is in the activation set,
    the candidates that are among the k best of any query of the bank; ``s(q, g)`` elsewhere.

    What is returned has the same order within every query: in place of the first its logarithm over beta,
    ``s(q, g) - log(sum_b exp(beta s(b, g))) / beta``. So all scores keep their unit, and nothing overflows
    in float32.

    Parameters
    ----------
    scores
        [Q, G].
    bank
        [B, G], B at least 1.
    beta
        Inverse temperature, of 1 / unit of the scores.
    k
        How many candidates of each query of the bank are activated; at most G count.

    Returns
    -------
    Tensor
        [Q, G].
    """
    activated_G = torch.zeros(scores.shape[1], dtype=torch.bool, device=scores.device)
    activated_G[bank.topk(min(k, bank.shape[1]), dim=1).indices.flatten()] = True
    bias_G = (beta * bank).logsumexp(dim=0) / beta
    normalised_Q1 = activated_G[scores.argmax(dim=1)].unsqueeze(1)
    return torch.where(normalised_Q1, scores - bias_G, scores)


class QueryBank:
    """Take off a candidate what a bank of training queries gives it, where it may be a hub.

    Queries whose best candidate no query of the bank has among its own best are left alone. No test query
    is looked at besides the one that asks.

    Parameters
    ----------
    beta
        Inverse temperature, in units of 1 / score. The release has 20, for cosines, and 1 / 1.99 for a model
        whose scores bear a logit scale: for recipes with ``logit_scale.apply: parts`` divide by the scale.
    k
        Candidates of each query of the bank that are activated.
    """

    paper: ClassVar[str] = "QB-Norm, arXiv:2112.12777, dynamic inverted softmax"
    needs: ClassVar[Needs] = "bank"
    applies_to: ClassVar[AppliesTo] = "total"

    def __init__(
        self, *, beta: Annotated[float, Field(gt=0)] = 20.0, k: Annotated[int, Field(ge=1)] = 1
    ) -> None:
        self.beta = beta
        self.k = k

    def __call__(
        self, parts: Mapping[str, Tensor], bank: Mapping[str, Tensor] | None, direction: Direction
    ) -> dict[str, Tensor]:
        """Rescore [T, V] with a bank of [B, V] (t2v) or [T, B] (v2t)."""
        if bank is None:
            raise ValueError("qb-norm needs a bank")
        if direction == "t2v":
            return {name: self._rescore(part, bank[name]) for name, part in parts.items()}
        return {name: self._rescore(part.T, bank[name].T).T for name, part in parts.items()}

    def _rescore(self, scores: Tensor, bank: Tensor) -> Tensor:
        return dynamic_inverted_softmax(scores, bank, beta=self.beta, k=self.k)

"""The frames most similar to a query (X-Pool's top-k baseline)."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tcmgc.factored import Factored
from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Dense

from .cosines import pooled_dense, pooled_factored, query_cosines, unit_queries, unit_tokens, with_root


class TopK:
    """One vector a query: the sum of the k tokens, at unit norm, that are most similar to it.

    Parameters
    ----------
    k
        How many; all where there are fewer.
    frame_mask
        Whether padding is left out. X-Pool's loader repeats the last frame, so that it knows no padding.
    """

    paper: ClassVar[str] = "X-Pool, arXiv:2203.15086, top-k baseline"
    text_conditioned: ClassVar[bool] = True

    def __init__(self, *, k: Annotated[int, Field(ge=1)] = 3, frame_mask: bool = True) -> None:
        self.k = k
        self.frame_mask = frame_mask

    def vectors(self, queries: int, tokens: int) -> int:
        """One vector a query."""
        return queries

    def prepare(self, tokens: Tokens) -> State:
        """Bring tokens [V, L, D] to unit norm, once a video."""
        return unit_tokens(tokens, masked=self.frame_mask)

    @property
    def factors(self) -> bool:
        """Always."""
        return True

    def basis_size(self, tokens: int) -> int:
        """One for each token."""
        return tokens

    def prepare_factored(self, tokens: Tokens) -> State:
        """Bring tokens to unit norm, and prepare the norms of their sums."""
        return with_root(self.prepare(tokens))

    def __call__(self, queries: Tokens | None, state: State) -> Dense:
        """Pool for every query of every text: values [T, V, Q, D]."""
        assert queries is not None
        return pooled_dense(*self._choose(unit_queries(queries.values), queries.mask, state))

    def prepare_queries(self, queries: Tokens) -> Tensor:
        """Bring the queries to unit norm: [T, Q, D]."""
        return unit_queries(queries.values)

    def factored(self, prepared: Tensor, mask: Tensor, state: State) -> Factored:
        """Choose for every query of every text: coefficients [T, V, Q, L] of 0 and 1."""
        return pooled_factored(*self._choose(prepared, mask, state))

    def _choose(self, query_TQD: Tensor, mask_TQ: Tensor, state: State) -> tuple[Tensor, State, Tensor]:
        cosines, some = query_cosines(query_TQD, mask_TQ, state)
        mask = state["mask"][None, :, None, :].expand(cosines.shape)
        best = cosines.masked_fill(~mask, -torch.inf).topk(min(self.k, cosines.shape[-1])).indices
        # Padding that fills up the k of a short video adds nothing.
        chosen = torch.zeros_like(cosines).scatter(-1, best, 1) * mask
        return chosen, state, some

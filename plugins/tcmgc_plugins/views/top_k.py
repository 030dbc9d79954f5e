"""The frames most similar to a query (X-Pool's top-k baseline)."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field

from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Dense

from .cosines import query_cosines, unit_tokens


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

    def __call__(self, queries: Tokens | None, state: State) -> Dense:
        """Pool for every query of every text: values [T, V, Q, D], weights [T, V, Q, L] of 0 and 1."""
        assert queries is not None
        cosines, some = query_cosines(queries, state)
        mask = state["mask"][None, :, None, :].expand(cosines.shape)
        best = cosines.masked_fill(~mask, -torch.inf).topk(min(self.k, cosines.shape[-1])).indices
        # Padding that fills up the k of a short video adds nothing.
        chosen = torch.zeros_like(cosines).scatter(-1, best, 1) * mask
        return Dense(torch.einsum("tvql,vld->tvqd", chosen, state["values"]), some, chosen)

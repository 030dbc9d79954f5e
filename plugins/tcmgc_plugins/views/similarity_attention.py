"""Frames weighed by their similarity to a query (X-Pool's attention baseline)."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field

from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Dense
from tcmgc_plugins.blocks.masked_softmax import masked_softmax

from .cosines import query_cosines, unit_tokens


class SimilarityAttention:
    """One vector a query: the tokens at unit norm, weighed by ``softmax(cosine / temperature)``.

    Parameters
    ----------
    temperature
        Of the softmax.
    frame_mask
        Whether padding is left out. X-Pool's loader repeats the last frame, so that it knows no padding.
    """

    paper: ClassVar[str] = "X-Pool, arXiv:2203.15086, attention baseline"
    text_conditioned: ClassVar[bool] = True

    def __init__(self, *, temperature: Annotated[float, Field(gt=0)] = 0.01, frame_mask: bool = True) -> None:
        self.temperature = temperature
        self.frame_mask = frame_mask

    def vectors(self, queries: int, tokens: int) -> int:
        """One vector a query."""
        return queries

    def prepare(self, tokens: Tokens) -> State:
        """Bring tokens [V, L, D] to unit norm, once a video."""
        return unit_tokens(tokens, masked=self.frame_mask)

    def __call__(self, queries: Tokens | None, state: State) -> Dense:
        """Pool for every query of every text: values [T, V, Q, D], weights [T, V, Q, L]."""
        assert queries is not None
        cosines, some = query_cosines(queries, state)
        mask = state["mask"][None, :, None, :].expand(cosines.shape)
        weights = masked_softmax(cosines / self.temperature, mask)
        return Dense(torch.einsum("tvql,vld->tvqd", weights, state["values"]), some, weights)

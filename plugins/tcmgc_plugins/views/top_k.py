"""The frames most similar to a query (X-Pool's top-k baseline)."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from .pooled_tokens import PooledTokens


class TopK(PooledTokens):
    """One vector a query: the sum of the k tokens, at unit norm, that are most similar to it.

    Parameters
    ----------
    k
        How many; all where there are fewer.
    frame_mask
        Whether padding is left out. X-Pool's loader repeats the last frame, so that it knows no padding.
    """

    paper: ClassVar[str] = "X-Pool, arXiv:2203.15086, top-k baseline"

    def __init__(self, *, k: Annotated[int, Field(ge=1)] = 3, frame_mask: bool = True) -> None:
        self.k = k
        super().__init__(frame_mask=frame_mask)

    def weigh(self, cosines_TVQL: Tensor, mask_TVQL: Tensor) -> Tensor:
        """Choose the k most similar tokens: [T, V, Q, L] of 0 and 1."""
        real = cosines_TVQL.masked_fill(~mask_TVQL, -torch.inf)
        best = real.topk(min(self.k, real.shape[-1])).indices
        # Padding that fills up the k of a short video adds nothing.
        return torch.zeros_like(cosines_TVQL).scatter(-1, best, 1) * mask_TVQL

"""Frames weighed by their similarity to a query (X-Pool's attention baseline)."""

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from tcmgc_plugins.blocks.masked_softmax import masked_softmax

from .pooled_tokens import PooledTokens


class SimilarityAttention(PooledTokens):
    """One vector a query: the tokens at unit norm, weighed by ``softmax(cosine / temperature)``.

    Parameters
    ----------
    temperature
        Of the softmax.
    frame_mask
        Whether padding is left out. X-Pool's loader repeats the last frame, so that it knows no padding.
    """

    paper: ClassVar[str] = "X-Pool, arXiv:2203.15086, attention baseline"

    def __init__(self, *, temperature: Annotated[float, Field(gt=0)] = 0.01, frame_mask: bool = True) -> None:
        self.temperature = temperature
        super().__init__(frame_mask=frame_mask)

    def weigh(self, cosines_TVQL: Tensor, mask_TVQL: Tensor) -> Tensor:
        """Softmax over the tokens: [T, V, Q, L], which add up to 1."""
        return masked_softmax(cosines_TVQL / self.temperature, mask_TVQL)

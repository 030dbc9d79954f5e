"""Frames weighed by their similarity to a query (X-Pool's attention baseline)."""

from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from tcmgc.factored import Factored
from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Dense
from tcmgc_plugins.blocks.masked_softmax import masked_softmax

from .cosines import pooled_dense, pooled_factored, query_cosines, unit_queries, unit_tokens, with_root


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
        return pooled_dense(*self._weigh(unit_queries(queries.values), queries.mask, state))

    def prepare_queries(self, queries: Tokens) -> Tensor:
        """Bring the queries to unit norm: [T, Q, D]."""
        return unit_queries(queries.values)

    def factored(self, prepared: Tensor, mask: Tensor, state: State) -> Factored:
        """Weigh for every query of every text: coefficients [T, V, Q, L]."""
        return pooled_factored(*self._weigh(prepared, mask, state))

    def _weigh(self, query_TQD: Tensor, mask_TQ: Tensor, state: State) -> tuple[Tensor, State, Tensor]:
        cosines, some = query_cosines(query_TQD, mask_TQ, state)
        mask = state["mask"][None, :, None, :].expand(cosines.shape)
        return masked_softmax(cosines / self.temperature, mask), state, some

"""What the views share that sum a video's tokens by weights of a query's cosines."""

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from tcmgc.factored import Factored
from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Dense

from .cosines import pooled_dense, pooled_factored, query_cosines, unit_queries, unit_tokens, with_root


class PooledTokens(ABC):
    """One vector a query: a sum of the tokens, at unit norm, by weights that are made of their cosines.

    Parameters
    ----------
    frame_mask
        Whether padding is left out.
    """

    text_conditioned: ClassVar[bool] = True

    def __init__(self, *, frame_mask: bool) -> None:
        self.frame_mask = frame_mask

    @abstractmethod
    def weigh(self, cosines_TVQL: Tensor, mask_TVQL: Tensor) -> Tensor:
        """Make weights [T, V, Q, L] of cosines; 0 where the mask, which leaves some token, says so."""

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
        weights, some = self._weights(unit_queries(queries.values), queries.mask, state)
        return pooled_dense(weights, state, some)

    def prepare_queries(self, queries: Tokens) -> Tensor:
        """Bring the queries to unit norm: [T, Q, D]."""
        return unit_queries(queries.values)

    def prepare_probes(self, probes: Tensor) -> Tensor:
        """Leave them: videos share no vectors."""
        return probes

    def factored(self, prepared: Tensor, mask: Tensor, state: State) -> Factored:
        """Weigh for every query of every text: coefficients [T, V, Q, L]."""
        weights, some = self._weights(prepared, mask, state)
        return pooled_factored(weights, state, some)

    def _weights(self, query_TQD: Tensor, mask_TQ: Tensor, state: State) -> tuple[Tensor, Tensor]:
        cosines, some = query_cosines(query_TQD, mask_TQ, state)
        return self.weigh(cosines, state["mask"][None, :, None, :].expand(cosines.shape)), some

"""Cosines of queries and tokens, for views that pool tokens by them."""

import torch
from torch import Tensor

from tcmgc.factored import Factored, combination_norm, gram_root
from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Dense, unit


def unit_tokens(tokens: Tokens, *, masked: bool) -> State:
    """Bring tokens [V, L, D] to unit norm, once a video; padding becomes arbitrary where it is masked.

    Returns
    -------
    State
        ``values`` [V, L, D]; ``mask`` [V, L], what may be pooled: all tokens where nothing is masked, and
        all of a video without real ones; ``real`` [V], whether a video has anything to pool.
    """
    if not masked:
        mask = torch.ones_like(tokens.mask)
        return {"values": unit(tokens.values), "mask": mask, "real": mask[:, 0]}
    some_V1 = tokens.mask.any(dim=1, keepdim=True)
    values = unit(tokens.values, tokens.mask)
    # A sum over nothing would be 0, which has no direction.
    return {"values": values, "mask": tokens.mask | ~some_V1, "real": some_V1[:, 0]}


def with_root(state: State) -> State:
    """Add what a combination of the tokens needs for its norm: ``root`` [V, min(L, D), L]."""
    return {**state, "root": gram_root(state["values"])}


def pooled_dense(weights_TVQL: Tensor, state: State, mask: Tensor) -> Dense:
    """Sum the tokens by their weights: vectors [T, V, Q, D], and weights that add up to 1."""
    vectors_TVQD = torch.einsum("tvql,vld->tvqd", weights_TVQL, state["values"])
    return Dense(vectors_TVQD, mask, weights_TVQL / weights_TVQL.sum(dim=-1, keepdim=True))


def pooled_factored(weights_TVQL: Tensor, state: State, mask: Tensor) -> Factored:
    """Leave the same sums undone: the weights are the coefficients, the tokens the basis."""
    norms = combination_norm(state["root"], weights_TVQL)
    return Factored(weights_TVQL, state["values"], norms, mask, frames=weights_TVQL.shape[-1])


def unit_queries(query_TQD: Tensor) -> Tensor:
    """Bring queries to unit norm; one that is a zero vector, as padding may be, stays: its cosines are 0."""
    norms_TQ1: Tensor = torch.linalg.vector_norm(query_TQD, dim=-1, keepdim=True)
    return query_TQD / norms_TQ1.masked_fill(norms_TQ1 == 0, 1)


def query_cosines(query_TQD: Tensor, mask_TQ: Tensor, state: State) -> tuple[Tensor, Tensor]:
    """Compare every query with every token of every video.

    Parameters
    ----------
    query_TQD
        From `unit_queries`.
    mask_TQ
        Which queries are real.
    state
        From `unit_tokens`.

    Returns
    -------
    tuple
        Cosines [T, V, Q, L], and a mask [T, V, Q] of the vectors that a real query makes of some real token.
    """
    values_VLD = state["values"]
    V, L, D = values_VLD.shape
    T, Q, _ = query_TQD.shape
    cosines = query_TQD.reshape(T * Q, D) @ values_VLD.reshape(V * L, D).T
    some = mask_TQ[:, None, :] & state["real"][None, :, None]
    return cosines.reshape(T, Q, V, L).transpose(1, 2), some

"""Cosines of queries and tokens, for views that pool tokens by them."""

import torch
from torch import Tensor

from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import unit


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


def query_cosines(queries: Tokens, state: State) -> tuple[Tensor, Tensor]:
    """Compare every query with every token of every video.

    Parameters
    ----------
    queries
        [T, Q, D], not normalised.
    state
        From `unit_tokens`.

    Returns
    -------
    tuple
        Cosines [T, V, Q, L], and a mask [T, V, Q] of the vectors that a real query makes of some real token.
    """
    values_VLD = state["values"]
    V, L, D = values_VLD.shape
    # A query that is a zero vector, as padding may be, has no direction: its cosines are 0.
    some_TQ = queries.values.any(dim=-1)
    query_TQD = unit(queries.values, some_TQ).masked_fill(~some_TQ.unsqueeze(-1), 0)
    T, Q, _ = query_TQD.shape
    cosines = query_TQD.reshape(T * Q, D) @ values_VLD.reshape(V * L, D).T
    some = queries.mask[:, None, :] & state["real"][None, :, None]
    return cosines.reshape(T, Q, V, L).transpose(1, 2), some

"""A batch's scores with gradients, in bounded memory: tile by tile, each computed again when it is needed.

Every pair of a batch is scored, and what autograd keeps of a pair is kept of all of them until the backward
pass. Here a tile keeps its scores alone; the backward pass computes the tile again and then its gradients
(activation checkpointing), so that the intermediate tensors of one tile are alive at a time. Scores and
gradients are those of the whole batch but for the order of sums. Dropout draws tile by tile, and the same
again the second time: the same distribution, other draws than for the whole batch at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.checkpoint import checkpoint

from .scores import Scores
from .tiles import Tiling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from .slots.scorer import Scorer
    from .state import State

KEPT = 2
"""How many bytes a pair keeps for gradients, about, for each that the scorer counts as alive without them.

As measured for attention over 12 frames: 2.2 where all vectors are made, 0.8 to 1.3 factored.
"""


def kept_bytes(scorer: Scorer, logit_scale: Tensor, texts: int, videos: int) -> int:
    """Estimate the bytes that the pairs of a batch keep for gradients, in the logit scale's type."""
    return KEPT * scorer.floats_per_pair * logit_scale.element_size() * texts * videos


def score_batch(
    scorer: Scorer, text: State, video: State, logit_scale: Tensor, *, memory: int | None
) -> Scores:
    """Score all T texts against all V videos, with gradients.

    Parameters
    ----------
    scorer
        What scores.
    text, video
        Its prepared states, led by T and by V.
    logit_scale
        Scalar.
    memory
        Bytes that the pairs may keep for gradients, by estimate; None for no limit. What is prepared, and
        the scores themselves, come on top.

    Returns
    -------
    Scores
        With ``aux``.
    """
    T, V = (len(next(iter(state.values()))) for state in (text, video))
    if memory is None or not torch.is_grad_enabled() or kept_bytes(scorer, logit_scale, T, V) <= memory:
        return scorer(text, video, logit_scale)
    tiling = Tiling.fit(scorer.floats_per_pair, KEPT * logit_scale.element_size(), memory)
    tiling = _uneven(min(tiling.texts, T), min(tiling.videos, V))
    rows, columns = _split(text, tiling.texts), _split(video, tiling.videos)
    tiles = [
        [checkpoint(scorer, row, column, logit_scale, use_reentrant=False) for column in columns]
        for row in rows
    ]
    return _assembled(tiles)


def _uneven(texts: int, videos: int) -> Tiling:
    """Give a tile another number of videos than of texts, so that a length tells what it counts."""
    if texts != videos:
        return Tiling(texts, videos)
    return Tiling(texts, videos - 1) if videos > 1 else Tiling(1, 2)


def _split(state: State, size: int) -> list[dict[str, Tensor]]:
    """Cut a state into blocks of items: every tensor once, so that its gradient is put together once."""
    pieces = {name: torch.split(tensor, size) for name, tensor in state.items()}
    count = len(next(iter(pieces.values())))
    return [{name: blocks[index] for name, blocks in pieces.items()} for index in range(count)]


def _assembled(tiles: Sequence[Sequence[Scores]]) -> Scores:
    """Put tiles together; items' weights are led by T, by V, or where a text conditions them by both."""

    def pairs(of: Sequence[Sequence[Tensor]]) -> Tensor:
        return torch.cat([torch.cat(list(row), dim=1) for row in of])

    first = tiles[0][0]
    total = pairs([[tile.total for tile in row] for row in tiles])
    parts = {name: pairs([[tile.parts[name] for tile in row] for row in tiles]) for name in first.parts}
    aux = {}
    for name, weights in first.aux.items():
        if "/text/" in name:
            aux[name] = torch.cat([row[0].aux[name] for row in tiles])
        elif len(weights) == first.total.shape[1]:
            aux[name] = torch.cat([tile.aux[name] for tile in tiles[0]])
        else:
            aux[name] = pairs([[tile.aux[name] for tile in row] for row in tiles])
    return Scores(total, parts, aux=aux)

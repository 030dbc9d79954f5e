"""What the attention-like interactions share: a pair's vector, and both orders."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from tcmgc.similarity import Similarity

Reduce: TypeAlias = Callable[[Tensor, Tensor, Tensor | None], Tensor]
"""(values [..., L], matrix [L, L], mask [..., L] or None) to [...]."""


def vector(similarity: Similarity) -> tuple[Tensor, Tensor | None]:
    """Return a pair's similarity as a vector: values [T, V, L] and the mask of the same shape, or None."""
    values = similarity.values.flatten(start_dim=-2)
    if similarity.mask is None:
        return values, None
    return values, similarity.mask.expand(similarity.values.shape).flatten(start_dim=-2)


class BothOrders(nn.Module):
    """Reduce a matrix over words then frames, and over frames then words; return the mean of both.

    Holds the matrices of the four reductions, which start as identity: ``word_first`` [P, P] and then
    ``frame_second`` [Q, Q]; ``frame_first`` [Q, Q] and then ``word_second`` [P, P].
    """

    def __init__(self, *, text_length: int, video_length: int) -> None:
        super().__init__()
        self.word_first = nn.Parameter(torch.eye(text_length))
        self.frame_second = nn.Parameter(torch.eye(video_length))
        self.frame_first = nn.Parameter(torch.eye(video_length))
        self.word_second = nn.Parameter(torch.eye(text_length))

    def forward(self, similarity: Similarity, reduce: Reduce) -> Tensor:
        """Reduce values [T, V, P, Q] to [T, V]."""
        rows = similarity.values
        columns = rows.transpose(-2, -1)
        mask = None if similarity.mask is None else similarity.mask.expand(rows.shape)
        columns_mask = None if mask is None else mask.transpose(-2, -1)
        over_words = reduce(columns, self.word_first, columns_mask)
        over_frames = reduce(rows, self.frame_first, mask)
        first = reduce(
            over_words, self.frame_second, None if columns_mask is None else columns_mask.any(dim=-1)
        )
        second = reduce(over_frames, self.word_second, None if mask is None else mask.any(dim=-1))
        return (first + second) / 2

"""Similarity reorganization by pruning and fusing (SR of the sentence-frame contrast)."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from tcmgc import Size
from tcmgc.similarity import Similarity
from tcmgc_plugins.blocks.masked_softmax import masked_softmax
from tcmgc_plugins.blocks.vector import vector_dim

from .selection import kept_count, sort_descending


class Fuse:
    """Keep the k largest entries, sorted descending, and append the rest as one fused entry.

    The fused value is ``sum_j softmax(rest)_j rest_j``, without a temperature. Where nothing is left
    to fuse, k = L, there is no fused entry.

    Parameters
    ----------
    keep_rate
        k = int(keep_rate * length), at least 1.
    text_length, video_length
        Injected; one of them is 1.
    """

    paper: ClassVar[str] = "TC-MGC, arXiv:2504.04707, similarity reorganization (SR)"

    def __init__(
        self, *, keep_rate: Annotated[float, Field(gt=0, le=1)] = 0.1, text_length: Size, video_length: Size
    ) -> None:
        length = max(text_length, video_length)
        self.dim = vector_dim(text_length, video_length, "fuse")
        self.k = kept_count(keep_rate, length)
        self.length = self.k if self.k == length else self.k + 1

    def lengths(self, text_length: int, video_length: int) -> tuple[int, int]:
        """K + 1 along the vector's dimension; K where nothing is left to fuse."""
        return (self.length, 1) if self.dim == -2 else (1, self.length)

    def __call__(self, similarity: Similarity) -> Similarity:
        """[T, V, L, 1] to [T, V, k + 1, 1], or the same along the last dimension.

        [T, V, k, 1] where nothing is left to fuse.
        """
        values, mask = sort_descending(similarity.values, similarity.mask, self.dim)
        if self.length == self.k:
            return Similarity(values, mask)
        kept, rest = self._split(values)
        kept_mask, rest_mask = (None, None) if mask is None else self._split(mask)
        weights = masked_softmax(rest, rest_mask, self.dim)
        fused = (weights * rest).sum(dim=self.dim, keepdim=True)
        values = torch.cat([kept, fused], dim=self.dim)
        if kept_mask is None or rest_mask is None:
            return Similarity(values)
        some = rest_mask.any(dim=self.dim, keepdim=True)
        return Similarity(values, torch.cat([kept_mask, some], dim=self.dim))

    def _split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        left = x.shape[self.dim] - self.k
        return x.narrow(self.dim, 0, self.k), x.narrow(self.dim, self.k, left)

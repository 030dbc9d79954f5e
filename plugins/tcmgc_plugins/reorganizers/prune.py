"""Similarity reorganization by pruning (SR of the video-word contrast)."""

from typing import Annotated, ClassVar

from pydantic import Field

from tcmgc import Size
from tcmgc.similarity import Similarity
from tcmgc_plugins.blocks.vector import vector_dim

from .selection import kept_count, top


class Prune:
    """Keep the k largest entries of a pair's similarity vector, sorted descending.

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
        self.dim = vector_dim(text_length, video_length, "prune")
        self.k = kept_count(keep_rate, max(text_length, video_length))

    def lengths(self, text_length: int, video_length: int) -> tuple[int, int]:
        """K x 1 or 1 x k."""
        return (self.k, 1) if self.dim == -2 else (1, self.k)

    def __call__(self, similarity: Similarity) -> Similarity:
        """[T, V, L, 1] to [T, V, k, 1], or [T, V, 1, L] to [T, V, 1, k]."""
        return Similarity(*top(similarity.values, similarity.mask, self.k, self.dim))

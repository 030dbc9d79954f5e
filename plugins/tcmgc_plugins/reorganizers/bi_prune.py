"""Bi-directional similarity reorganization (Bi-SR of the frame-word contrast)."""

from typing import Annotated, ClassVar

from pydantic import Field

from tcmgc import Size
from tcmgc.similarity import Similarity

from .selection import kept_count, top


class BiPrune:
    """Keep the k largest words in every column, then the k largest frames in every row.

    Values only: rows and columns become ranks, so the result is no sub-matrix of the input.

    Parameters
    ----------
    keep_rate
        k = int(keep_rate * length) for each side, at least 1.
    text_length, video_length
        Injected.
    """

    paper: ClassVar[str] = "TC-MGC, arXiv:2504.04707, bi-directional similarity reorganization (Bi-SR)"

    def __init__(
        self, *, keep_rate: Annotated[float, Field(gt=0, le=1)] = 0.1, text_length: Size, video_length: Size
    ) -> None:
        self.words = kept_count(keep_rate, text_length)
        self.frames = kept_count(keep_rate, video_length)

    def lengths(self, text_length: int, video_length: int) -> tuple[int, int]:
        """Both kept counts."""
        return self.words, self.frames

    def __call__(self, similarity: Similarity) -> Similarity:
        """[T, V, P, Q] to [T, V, k_P, k_Q]."""
        values, mask = top(similarity.values, similarity.mask, self.words, dim=-2)
        return Similarity(*top(values, mask, self.frames, dim=-1))

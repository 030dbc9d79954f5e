"""The reorganizer slot: a similarity to a smaller or differently ordered one."""

from typing import Protocol, runtime_checkable

from tcmgc.similarity import Similarity


@runtime_checkable
class Reorganizer(Protocol):
    """Select, sort or fuse the entries of every pair's similarity matrix."""

    def lengths(self, text_length: int, video_length: int) -> tuple[int, int]:
        """Say the (P', Q') that P x Q becomes; interactions are sized by it."""
        ...

    def __call__(self, similarity: Similarity) -> Similarity:
        """Map values [T, V, P, Q] to [T, V, P', Q']."""
        ...

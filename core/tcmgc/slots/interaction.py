"""The interaction slot: every pair's similarity matrix to one number."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from tcmgc.features import Tokens
from tcmgc.similarity import Similarity
from tcmgc.state import State
from tcmgc.visual import Visual


@runtime_checkable
class Interaction(Protocol):
    """Reduce [T, V, P, Q] to [T, V]."""

    def __call__(self, similarity: Similarity, text: State, video: State) -> Tensor:
        """Reduce the similarity of every pair.

        Parameters
        ----------
        similarity
            Values [T, V, P, Q] and their mask.
        text, video
            What `ItemWeighting` prepared; empty for an interaction that has no such methods.
        """
        ...


@runtime_checkable
class ItemWeighting(Protocol):
    """What an interaction has besides, when it weighs items by their features (WTI does)."""

    def prepare_text(self, tokens: Tokens) -> State:
        """Compute once a text, from its un-normalised tokens [T, P, D]: tensors led by T."""
        ...

    def prepare_video(self, visual: Visual) -> State:
        """Compute from the un-normalised vectors of a view.

        Once a video, led by V, where the view is not conditioned on the text; otherwise for each tile,
        led by T and V.
        """
        ...

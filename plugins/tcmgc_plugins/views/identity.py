"""The tokens themselves."""

from typing import ClassVar

from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Shared


class Identity:
    """Every token of a video as it is: Q is their number."""

    paper: ClassVar[str] = "X-CLIP, arXiv:2207.07285, frame features"
    text_conditioned: ClassVar[bool] = False

    def vectors(self, queries: int, tokens: int) -> int:
        """One vector a token."""
        return tokens

    def prepare(self, tokens: Tokens) -> State:
        """Keep values [V, L, D] and mask [V, L]."""
        return {"values": tokens.values, "mask": tokens.mask}

    def __call__(self, queries: Tokens | None, state: State) -> Shared:
        """[V, L, D]."""
        return Shared(state["values"], state["mask"])

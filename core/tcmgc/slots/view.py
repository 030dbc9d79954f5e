"""The view slot: the vectors of a video that a granularity looks at."""

from typing import ClassVar, Protocol, runtime_checkable

from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Visual


@runtime_checkable
class VideoView(Protocol):
    """Turn a video's tokens into Q vectors, conditioned on the text or not.

    A recipe says what a view looks at (``of``: frames, raw_frames, patches) and, for a text-conditioned
    view, what asks (``query``: sentence or words).
    """

    text_conditioned: ClassVar[bool]
    """Whether the vectors depend on the text; such a view needs a ``query``."""

    def vectors(self, queries: int, tokens: int) -> int:
        """Q, the vectors a (text, video) pair, given the counts of queries (0: none) and of tokens."""
        ...

    def prepare(self, tokens: Tokens) -> State:
        """Compute once a video what does not depend on the text: tensors led by V."""
        ...

    def __call__(self, queries: Tokens | None, state: State) -> Visual:
        """Make the vectors of every text and video.

        Parameters
        ----------
        queries
            [T, Q', D], not normalised, with mask [T, Q']; None for a view without text.
        state
            What `prepare` returned, or a slice of it along V.
        """
        ...

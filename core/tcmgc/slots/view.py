"""The view slot: the vectors of a video that a granularity looks at."""

from functools import cache
from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor

from tcmgc.factored import Factored
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


@runtime_checkable
class FactoredView(Protocol):
    """What a text-conditioned view has besides, when its vectors are combinations of few a video.

    There is one vector a query, whatever else is asked: queries of several names are asked at once. It is
    used in place of `VideoView.prepare` and the call wherever it can be, and has to give the same vectors:
    those two are its oracle. A view without these methods works as well, at its own price.
    """

    @property
    def factors(self) -> bool:
        """Whether it can as the view stands now: dropout may forbid it in training."""
        ...

    def basis_size(self, tokens: int) -> int:
        """Say A, how many vectors of a video they are combinations of, given the count of tokens."""
        ...

    def prepare_factored(self, tokens: Tokens) -> State:
        """Compute once a video what does not depend on the text: tensors led by V."""
        ...

    def prepare_queries(self, queries: Tokens) -> Tensor:
        """Compute once a text what does not depend on the video, from queries [T, Q, D]: [T, Q, ...]."""
        ...

    def prepare_probes(self, probes: Tensor) -> Tensor:
        """Compute once a text what the vectors are asked by, from probes [T, P, D]: [T, P, D + S].

        Behind the probes are their products with S vectors that all videos share; without such, nothing.
        """
        ...

    def factored(self, prepared: Tensor, mask: Tensor, state: State) -> Factored:
        """Make the coefficients of every text and video.

        Parameters
        ----------
        prepared
            What `prepare_queries` returned, or a slice of it along T.
        mask
            Of the queries, [T, Q'].
        state
            What `prepare_factored` returned, or a slice of it along V.
        """
        ...


METHODS = frozenset(
    {"factors", "basis_size", "prepare_factored", "prepare_queries", "prepare_probes", "factored"}
)
"""Of `FactoredView`."""


@cache
def is_factored(kind: type) -> bool:
    """Whether objects of a class have the methods of `FactoredView`, and those say what its others do.

    A class that inherits them and has a call or a ``prepare`` of its own makes other vectors than they do.
    """
    depth = {name: i for i, base in reversed([*enumerate(kind.__mro__)]) for name in vars(base)}
    if not depth.keys() >= METHODS:
        return False
    ours = min(depth["factored"], depth["prepare_factored"])
    return all(ours <= depth.get(name, ours) for name in ("forward", "prepare", "__call__"))

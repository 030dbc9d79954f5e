"""How a recipe uses its views, and what can be asked of a component at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

from .features import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .features import TextFeatures
    from .state import State

Form: TypeAlias = Literal["factored", "dense"]
"""How vectors that a text conditions are held: as combinations of few, wherever a view can, or all made."""


@dataclass(frozen=True)
class ViewUse:
    """How a recipe uses a view.

    Parameters
    ----------
    component
        The name under which its component, and so its weights, stand; another view's where it shares.
    of
        The tokens it looks at.
    query
        The text tokens that ask, or None.
    vectors
        Q, how many vectors it yields a pair.
    basis
        A, of how many vectors of a video they are combinations; None where they are none, or are not one a
        query, so that they could not be told apart where several ask.
    """

    component: str
    of: str
    query: str | None
    vectors: int
    basis: int | None = None

    def state(self, form: Form) -> str:
        """Name its prepared state: the same for views that share component and tokens."""
        return f"view/{form}/{self.component}/{self.of}"


@dataclass(frozen=True)
class Look:
    """All that asks one component about the same tokens, so that a factored view is asked once.

    Parameters
    ----------
    component, of
        As in `ViewUse`.
    queries
        Names of the text tokens that ask, each once; their vectors lie behind each other in this order.
    """

    component: str
    of: str
    queries: tuple[str, ...]

    @classmethod
    def of_uses(cls, uses: Iterable[ViewUse]) -> dict[tuple[str, str], Look]:
        """Put uses together by component and tokens."""
        asked: dict[tuple[str, str], dict[str, None]] = {}
        for use in uses:
            if use.query is not None:
                asked.setdefault((use.component, use.of), {})[use.query] = None
        return {key: cls(*key, tuple(queries)) for key, queries in asked.items()}

    @property
    def name(self) -> str:
        """Of what is prepared of its queries, in a text's state."""
        return f"queries/{self.component}/{self.of}"

    def tokens(self, text: TextFeatures) -> Tokens:
        """Return all queries behind each other, [T, Q, D]."""
        each = [text.tokens(query) for query in self.queries]
        return Tokens(
            torch.cat([tokens.values for tokens in each], dim=1),
            torch.cat([tokens.mask for tokens in each], dim=1),
        )

    def mask(self, text: State) -> torch.Tensor:
        """Return which of them are real, [T, Q], from a text's state."""
        return torch.cat([text[f"mask/{query}"] for query in self.queries], dim=1)

    def places(self, query: str, text: State) -> slice:
        """Say where the vectors of a query lie."""
        lengths = [text[f"mask/{name}"].shape[1] for name in self.queries]
        place = self.queries.index(query)
        return slice(sum(lengths[:place]), sum(lengths[: place + 1]))


def probes_name(view: str, normalization: str) -> str:
    """Name the probes of a view's granularities, behind each other, in a text's state."""
    return f"probes/{view}/{normalization}"

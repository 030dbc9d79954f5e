"""A view of a granular scorer with the granularities that look at it: what a kernel is asked to compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from . import state as states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from .granular import ViewUse
    from .granularity import Granularity
    from .slots.view import FactoredView, VideoView
    from .state import State


@dataclass(frozen=True)
class Contrast:
    """One factored view of a scorer, and its granularities.

    Parameters
    ----------
    view
        The component; it factors as it stands.
    use
        What it looks at, and what asks.
    granularities
        By name.
    """

    view: VideoView
    use: ViewUse
    granularities: Mapping[str, Granularity]

    @property
    def factored(self) -> FactoredView:
        """The same component, by its other contract."""
        return cast("FactoredView", self.view)

    def queries(self, text: State) -> Tensor:
        """Return what `FactoredView.prepare_queries` made, led by T."""
        return text[self.use.queries]

    def query_mask(self, text: State) -> Tensor:
        """Return which queries are real, [T, Q]."""
        return text[f"mask/{self.use.query}"]

    def basis(self, video: State) -> State:
        """Return what `FactoredView.prepare_factored` made, led by V."""
        return states.of(self.use.state("factored"), video)

    def probes(self, name: str, text: State) -> tuple[Tensor, Tensor]:
        """Return a granularity's probes [T, P, D], and which are real, [T, P]."""
        own = states.of(f"granularity/{name}", text)
        return own["probes"], own["mask"]

"""A view of a granular scorer with the granularities that look at it: what a kernel is asked to compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch

from . import state as states
from .granularity import by_normalization
from .view_use import probes_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from .granularity import Granularity
    from .slots.view import FactoredView, VideoView
    from .state import State
    from .view_use import Look, ViewUse


@dataclass(frozen=True)
class Contrast:
    """One factored view of a scorer, and its granularities.

    Parameters
    ----------
    name
        The view's.
    view
        The component; it factors as it stands.
    use
        What it looks at, and what asks.
    look
        What else asks the same component.
    granularities
        By name.
    """

    name: str
    view: VideoView
    use: ViewUse
    look: Look
    granularities: Mapping[str, Granularity]

    @property
    def factored(self) -> FactoredView:
        """The same component, by its other contract."""
        return cast("FactoredView", self.view)

    def queries(self, text: State) -> Tensor:
        """Return what `FactoredView.prepare_queries` made of this view's queries, led by T."""
        assert self.use.query is not None
        return text[self.look.name][:, self.look.places(self.use.query, text)]

    def query_mask(self, text: State) -> Tensor:
        """Return which queries are real, [T, Q]."""
        return text[f"mask/{self.use.query}"]

    def basis(self, video: State) -> State:
        """Return what `FactoredView.prepare_factored` made, led by V."""
        return states.of(self.use.state("factored"), video)

    def probes(self, name: str, text: State) -> tuple[Tensor, Tensor]:
        """Return a granularity's probes [T, P, D + S], and which are real, [T, P]."""
        how = self.granularities[name].normalization
        alike = by_normalization(self.granularities.items())[how]
        masks = {other: text[f"granularity/{other}/mask"] for other in alike}
        lengths = [mask.shape[1] for mask in masks.values()]
        each = torch.split(text[probes_name(self.name, how)], lengths, dim=1)
        return dict(zip(masks, each, strict=True))[name], masks[name]

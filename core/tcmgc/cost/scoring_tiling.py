"""The tiles in which a model's scoring walks a gallery by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.tiles import BUDGET, BUDGETS, Tiling

if TYPE_CHECKING:
    from tcmgc.model import RetrievalModel


def scoring_tiling(model: RetrievalModel) -> Tiling:
    """Return the tiles that `tcmgc.tiles.walk` chooses for a model where it stands."""
    scale = model.logit_scale
    budget = BUDGETS.get(scale.device.type, BUDGET)
    return Tiling.fit(model.scorer.floats_per_pair, scale.element_size(), budget)

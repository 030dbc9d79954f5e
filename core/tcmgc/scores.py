"""Scores of a tile of pairs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


@dataclass(frozen=True)
class Scores:
    """What a scorer makes of T texts and V videos.

    Parameters
    ----------
    total
        [T, V], what ranks.
    parts
        The granularities' scores by name, [T, V] each.
    loss_scale
        Scalar that a contrastive loss multiplies ``total`` with. 1 where the logit scale is in the
        parts already, the logit scale where the published evaluation returns cosines.
    aux
        What a loss may want to see besides: item weights of an interaction, as
        ``<granularity>/text/<name>`` and ``<granularity>/video/<name>``.
    """

    total: Tensor
    parts: Mapping[str, Tensor]
    loss_scale: Tensor | float = 1.0
    aux: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def logits(self) -> Tensor:
        """[T, V], what a softmax over candidates takes."""
        return self.total * self.loss_scale

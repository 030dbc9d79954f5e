"""What a run's record says of scoring: arithmetic, the size of an index, and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .index_bytes import index_bytes
from .scoring_flops import scoring_flops
from .scoring_memory import scoring_memory

if TYPE_CHECKING:
    from tcmgc.model import RetrievalModel


@dataclass(frozen=True)
class ScoringCost:
    """What scoring takes besides time.

    Parameters
    ----------
    flops_per_text, flops_per_video, flops_per_pair
        Of matrix products, see `tcmgc.cost.scoring_flops.ScoringFlops`.
    index_bytes_per_video
        Of a prepared video, which scoring keeps.
    scoring_memory_bytes
        Of tensors at the worst moment, see `tcmgc.cost.scoring_memory`.
    """

    flops_per_text: int
    flops_per_video: int
    flops_per_pair: int
    index_bytes_per_video: int
    scoring_memory_bytes: int


def scoring_cost(model: RetrievalModel, videos: int) -> ScoringCost:
    """Measure on a tile of random features: within seconds, whatever the size of the gallery.

    Parameters
    ----------
    model
        Everything behind the encoders.
    videos
        V, the size of the gallery.
    """
    flops = scoring_flops(model)
    return ScoringCost(
        flops_per_text=flops.text,
        flops_per_video=flops.video,
        flops_per_pair=flops.pair,
        index_bytes_per_video=index_bytes(model),
        scoring_memory_bytes=scoring_memory(model, videos),
    )

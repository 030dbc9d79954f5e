"""Mean rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tcmgc.ranking import Ranking
    from tcmgc.slots.metric import Ties


class MeanRank:
    """Mean rank of the first relevant item, counted from 1."""

    paper: ClassVar[str] = "Luo et al., CLIP4Clip, Neurocomputing 508, 2022, arXiv:2104.08860 (MnR)"

    def __call__(self, ranking: Ranking, ties: Ties) -> dict[str, float]:
        """Return ``mnr``."""
        return {"mnr": float(ranking.first_rank(ties).mean())}

"""Sum of recalls."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .recall import Recall

if TYPE_CHECKING:
    from tcmgc.ranking import Ranking
    from tcmgc.slots.metric import Ties


class SumRecall:
    """R@1 + R@5 + R@10 of one direction, in percent (at most 300)."""

    paper: ClassVar[str] = (
        "Dong et al., Dual Encoding for Zero-Example Video Retrieval, CVPR 2019, arXiv:1809.06181"
    )

    def __call__(self, ranking: Ranking, ties: Ties) -> dict[str, float]:
        """Return ``sumr``."""
        return {"sumr": sum(Recall(ks=(1, 5, 10))(ranking, ties).values())}

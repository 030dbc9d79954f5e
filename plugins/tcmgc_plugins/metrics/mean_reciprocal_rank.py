"""Mean reciprocal rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tcmgc.first_relevant import first_rank_pmf

if TYPE_CHECKING:
    from tcmgc.ranking import Ranking
    from tcmgc.slots.metric import Ties


class MeanReciprocalRank:
    """Mean of 1 / rank of the first relevant item, times 100.

    In percent like the recalls, so that 100 is perfect for both.
    """

    paper: ClassVar[str] = (
        "Voorhees, The TREC-8 Question Answering Track Report, 1999; under ties: McSherry & Najork, ECIR 2008"
    )

    def __call__(self, ranking: Ranking, ties: Ties) -> dict[str, float]:
        """Return ``mrr`` in percent."""
        if ties != "expected":
            return {"mrr": 100.0 * float((1.0 / ranking.first_rank(ties)).mean())}
        total = 0.0
        for above, size, relevant, queries in zip(*ranking.distinct_best_groups(), strict=True):
            pmf = first_rank_pmf(int(size), int(relevant))
            total += int(queries) * float(pmf @ (1.0 / (above + 1 + np.arange(pmf.size))))
        return {"mrr": 100.0 * total / ranking.queries}

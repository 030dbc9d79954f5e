"""What one row has over another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.leaderboard import Estimate

ALPHA = 0.05
Verdict = Literal[
    "a gain",
    "a loss",
    "a gain, though not with every seed",
    "a loss, though not with every seed",
    "on the border of chance",
    "not distinguishable from nothing",
]


@dataclass(frozen=True)
class Comparison:
    """A paired difference of R@1, row minus against.

    Parameters
    ----------
    title
        What the difference stands for, a noun.
    question
        The question it answers; may be empty.
    row, against
        Labels of the two rows.
    direction
        Which side searches.
    difference
        Points of R@1, mean over each row's seeds; its ``sd`` is over the seeds that both rows have.
    by_seed
        The difference of each of these.
    p
        Of the paired permutation test.
    """

    title: str
    question: str
    row: str
    against: str
    direction: Direction
    difference: Estimate
    by_seed: Mapping[int, float]
    p: float

    @property
    def verdict(self) -> Verdict:
        """Say what the test and the interval allow to say."""
        significant = self.p < ALPHA
        apart = self.difference.low > 0 or self.difference.high < 0
        if significant and apart:
            gain = self.difference.mean > 0
            every = all(one * self.difference.mean > 0 for one in self.by_seed.values())
            if gain:
                return "a gain" if every else "a gain, though not with every seed"
            return "a loss" if every else "a loss, though not with every seed"
        return "on the border of chance" if significant or apart else "not distinguishable from nothing"

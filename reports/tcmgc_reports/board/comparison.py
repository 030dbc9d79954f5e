"""What one row has over another."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    "a gain, though seeds are missing",
    "a loss, though seeds are missing",
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
        Points of R@1, mean over each row's seeds; its ``sd`` is over ``by_seed``.
    by_seed
        The difference with each seed that both rows have. A row that is the same for all seeds, as one that
        was not trained, has every seed.
    p
        Of the paired permutation test.
    missing
        The seeds that one row lacks and the other has, by its label; only rows that lack some.
    fingerprint
        Of the protocol of both rows.
    """

    title: str
    question: str
    row: str
    against: str
    direction: Direction
    difference: Estimate
    by_seed: Mapping[int, float]
    p: float
    missing: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    fingerprint: str = ""

    @property
    def verdict(self) -> Verdict:
        """Say what the test and the interval allow to say."""
        significant = self.p < ALPHA
        apart = self.difference.low > 0 or self.difference.high < 0
        if significant and apart:
            gain = self.difference.mean > 0
            if not all(one * self.difference.mean > 0 for one in self.by_seed.values()):
                return "a gain, though not with every seed" if gain else "a loss, though not with every seed"
            if self.missing or not self.by_seed:
                return "a gain, though seeds are missing" if gain else "a loss, though seeds are missing"
            return "a gain" if gain else "a loss"
        return "on the border of chance" if significant or apart else "not distinguishable from nothing"

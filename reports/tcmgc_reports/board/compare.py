"""Comparing two rows of a section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.statistics.bootstrap import interval
from tcmgc.statistics.permutation import sign_flip_p

from .comparison import Comparison
from .leaderboard import Estimate
from .measure import R1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.ranking import Direction
    from tcmgc_reports.runs.suite_file import Question

    from .measure import Draws, Measured


@dataclass(frozen=True, eq=False)
class Compared:
    """A row that may be compared: its label, its seeds and, in their order, its numbers."""

    label: str
    seeds: tuple[int, ...]
    measured: Measured


def compare(
    question: Question, direction: Direction, rows: Sequence[Compared], draws: Draws
) -> Comparison | None:
    """Answer a question of the suite from a section's rows.

    Parameters
    ----------
    question
        Which rows to compare.
    direction
        Which side searches.
    rows
        The section's.
    draws
        The section's.

    Returns
    -------
    Comparison or None
        None where one of the two rows is not there.
    """
    by_label = {row.label: row for row in rows}
    if not {question.row, question.against} <= by_label.keys():
        return None
    row, against = by_label[question.row], by_label[question.against]
    difference_Q = row.measured.r1 - against.measured.r1
    by_seed = _by_seed(row, against)
    varies = len(by_seed) > 1 and not (row.measured.constant and against.measured.constant)
    sd = float(np.std([*by_seed.values()], ddof=1)) if varies else None
    low, high = interval(row.measured.by_draw[:, R1] - against.measured.by_draw[:, R1])
    difference_C = np.zeros(draws.times.shape[1])
    np.add.at(difference_C, draws.clusters, difference_Q)
    return Comparison(
        title=question.title,
        question=question.question,
        row=row.label,
        against=against.label,
        direction=direction,
        difference=Estimate(float(difference_Q.mean()), sd, low, high),
        by_seed=by_seed,
        p=sign_flip_p(difference_C),
        missing=_missing(row, against),
    )


def _by_seed(row: Compared, against: Compared) -> dict[int, float]:
    """Difference of R@1 for each seed that both rows have, a constant one every seed of the other."""
    of_row, of_against = (
        dict(zip(one.seeds, one.measured.by_seed[:, R1].tolist(), strict=True)) for one in (row, against)
    )
    if row.measured.constant:
        of_row = dict.fromkeys(of_against, of_row[row.seeds[0]])
    elif against.measured.constant:
        of_against = dict.fromkeys(of_row, of_against[against.seeds[0]])
    return {seed: of_row[seed] - of_against[seed] for seed in of_row if seed in of_against}


def _missing(row: Compared, against: Compared) -> dict[str, tuple[int, ...]]:
    if row.measured.constant or against.measured.constant:
        return {}
    lacks = {
        one.label: tuple(seed for seed in other.seeds if seed not in one.seeds)
        for one, other in ((row, against), (against, row))
    }
    return {label: seeds for label, seeds in lacks.items() if seeds}

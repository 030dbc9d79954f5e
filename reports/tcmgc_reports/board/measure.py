"""A row's numbers with their intervals, on the draws that all rows of a section share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError
from tcmgc.statistics.bootstrap import (
    bootstrap_means,
    bootstrap_medians,
    draw_clusters,
    interval,
)
from tcmgc_reports.statistics.columns import NAMES
from tcmgc_reports.statistics.query_values import query_values

from .leaderboard import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tcmgc.arrays import Int1D
    from tcmgc.ranking import Direction
    from tcmgc_reports.runs.ranks_file import DirectionRanks
    from tcmgc_reports.runs.read_runs import Run

R1, MEDIAN = NAMES.index("r1"), NAMES.index("mdr")
AGREES = 1e-6
"""Points, or ranks, that a record may be from its ranks: the last digits of another order of summing."""


@dataclass(frozen=True, eq=False)
class Draws:
    """The queries of a direction and the draws of its videos.

    Parameters
    ----------
    ranks
        Of any run of the section: all have the same queries.
    clusters
        Video of each query, [Q], from 0 to C - 1.
    times
        How often each draw has each video, [B, C].
    """

    ranks: DirectionRanks
    clusters: Int1D
    times: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """A row in one direction, with what a comparison with other rows needs.

    Parameters
    ----------
    by_seed
        Each seed's metrics, [S, M].
    r1
        Each query's R@1, mean over the seeds, in percent, [Q].
    by_draw
        The metrics of each draw, mean over the seeds, [B, M].
    constant
        Whether nothing was trained and all runs are equal: one is every seed's, and there is no spread.
    """

    by_seed: NDArray[np.float64]
    r1: NDArray[np.float64]
    by_draw: NDArray[np.float64]
    constant: bool

    def estimates(self) -> dict[str, Estimate]:
        """Return each metric's mean, its spread over seeds, and its interval."""
        seeds_SM = self.by_seed[:1] if self.constant else self.by_seed
        return {
            name: estimate(seeds_SM[:, column], self.by_draw[:, column]) for column, name in enumerate(NAMES)
        }


def draw(ranks: DirectionRanks) -> Draws:
    """Draw the videos of a direction.

    Parameters
    ----------
    ranks
        Of any run of the section.
    """
    names, cluster_Q = np.unique(np.array(ranks.cluster), return_inverse=True)
    return Draws(ranks, cluster_Q.astype(np.int64), draw_clusters(names.size))


def measure(runs: Sequence[Run], direction: Direction, draws: Draws) -> Measured:
    """Evaluate the runs of a row in one direction.

    Parameters
    ----------
    runs
        One a seed.
    direction
        Which side searches.
    draws
        The section's.

    Raises
    ------
    DataError
        If a run ranks other queries than the section, or its record says something else than its ranks.
    """
    values_SQM = np.stack([_values(run, direction, draws) for run in runs])
    mean_QM = values_SQM.mean(axis=0)
    draws_BM = bootstrap_means(draws.times, mean_QM, draws.clusters)
    medians_SB = [bootstrap_medians(draws.times, v_QM[:, MEDIAN], draws.clusters) for v_QM in values_SQM]
    draws_BM[:, MEDIAN] = np.mean(medians_SB, axis=0)
    seeds_SM = values_SQM.mean(axis=1)
    # The expectation of a median under ties is no function of the queries' expected ranks: the run's own.
    seeds_SM[:, MEDIAN] = [run.record.metrics[direction].expected["mdr"] for run in runs]
    for run, found_M in zip(runs, seeds_SM, strict=True):
        _check_record(run, direction, found_M)
    trained = any(run.record.trained for run in runs)
    equal = bool((values_SQM == values_SQM[0]).all() and (seeds_SM == seeds_SM[0]).all())
    return Measured(seeds_SM, mean_QM[:, R1], draws_BM, constant=equal and not trained)


def measure_tags(row: Measured, draws: Draws) -> dict[str, Estimate]:
    """R@1 of the queries with each tag, by tag, without a spread over seeds.

    Parameters
    ----------
    row
        A measured row.
    draws
        The section's.
    """
    found = {}
    for tag in tag_counts(draws.ranks):
        has_Q = np.array([tag in tags for tags in draws.ranks.tags])
        draws_BM = bootstrap_means(draws.times, row.r1[has_Q, None], draws.clusters[has_Q])
        found[tag] = Estimate(float(row.r1[has_Q].mean()), None, *interval(draws_BM[:, 0]))
    return found


def tag_counts(ranks: DirectionRanks) -> Mapping[str, int]:
    """Count the queries with each tag, tags in alphabetical order.

    Parameters
    ----------
    ranks
        One direction.
    """
    tags = sorted({tag for tags in ranks.tags for tag in tags})
    return {tag: sum(tag in own for own in ranks.tags) for tag in tags}


def estimate(seeds_S: NDArray[np.float64], draws_B: NDArray[np.float64]) -> Estimate:
    """Sum up a number that was measured for each seed and on each draw.

    Parameters
    ----------
    seeds_S
        By seed.
    draws_B
        By draw, mean over seeds.
    """
    sd = float(seeds_S.std(ddof=1)) if seeds_S.size > 1 else None
    return Estimate(float(seeds_S.mean()), sd, *interval(draws_B))


def _values(run: Run, direction: Direction, draws: Draws) -> NDArray[np.float64]:
    ranks: DirectionRanks = getattr(run.ranks, direction)
    if (ranks.query, ranks.cluster, ranks.tags) != (draws.ranks.query, draws.ranks.cluster, draws.ranks.tags):
        raise DataError(
            f"run {run.folder}: ranks.json, {direction}",
            found="other queries, videos or tags than in another run of the same fingerprint",
            expected="the same ones in the same order",
        )
    return query_values(ranks.ranking())


def _check_record(run: Run, direction: Direction, found_M: NDArray[np.float64]) -> None:
    for name, found in zip(NAMES, found_M, strict=True):
        said = run.record.metrics[direction].expected.get(name, np.nan)
        if not abs(said - found) <= AGREES:
            raise DataError(
                f"run {run.folder}: {direction}, {name}",
                found=f"{said:.4f} in record.json and {found:.4f} by ranks.json",
                expected="two files of one run",
            )

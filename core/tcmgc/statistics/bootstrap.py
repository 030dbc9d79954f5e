"""The bootstrap over videos: how far numbers would move with another draw of test videos.

The captions of a video are not independent, so whole videos are drawn, with replacement, and each brings
all its queries (the cluster bootstrap: Davison & Hinkley, Bootstrap Methods and their Application, 1997,
section 3.8; percentile intervals: section 5.3.1). Every row of a board is evaluated on the same draws,
which makes differences between rows paired.

Shapes: B draws, C clusters (videos), Q queries, M metrics, R distinct ranks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.arrays import Float1D, Int1D

DRAWS = 5000
SEED = 20250411
"""Any fixed number, so that a report is the same twice."""


def draw_clusters(clusters: int, draws: int = DRAWS, seed: int = SEED) -> NDArray[np.float64]:
    """Draw as many clusters as there are, with replacement, again and again.

    Parameters
    ----------
    clusters
        How many there are.
    draws
        How often to draw them.
    seed
        Of the generator.

    Returns
    -------
    ndarray [B, C]
        How often each draw has each cluster.
    """
    drawn_BC = np.random.default_rng(seed).integers(clusters, size=(draws, clusters))
    flat = (drawn_BC + clusters * np.arange(draws)[:, None]).ravel()
    return np.bincount(flat, minlength=draws * clusters).reshape(draws, clusters).astype(np.float64)


def bootstrap_means(
    times_BC: NDArray[np.float64], values_QM: NDArray[np.float64], cluster_Q: Int1D
) -> NDArray[np.float64]:
    """Mean over the queries of each draw.

    Parameters
    ----------
    times_BC
        How often each draw has each cluster.
    values_QM
        Values to average, [Q, M].
    cluster_Q
        Cluster of each query, [Q], from 0 to C - 1.

    Returns
    -------
    ndarray [B, M]
        Means; nan where a draw has no query at all.
    """
    sums_CM = np.zeros((times_BC.shape[1], values_QM.shape[1]))
    np.add.at(sums_CM, cluster_Q, values_QM)
    queries_C = np.bincount(cluster_Q, minlength=times_BC.shape[1])
    queries_B = times_BC @ queries_C
    with np.errstate(invalid="ignore"):
        means_BM: NDArray[np.float64] = (times_BC @ sums_CM) / queries_B[:, None]
    return means_BM


def bootstrap_medians(times_BC: NDArray[np.float64], values_Q: Float1D, cluster_Q: Int1D) -> Float1D:
    """Median over the queries of each draw; of an even number, the mean of the middle two.

    Parameters
    ----------
    times_BC
        How often each draw has each cluster.
    values_Q
        Values of which to take the median, [Q].
    cluster_Q
        Cluster of each query, [Q], from 0 to C - 1.

    Returns
    -------
    ndarray [B]
        Medians; nan where a draw has no query at all.
    """
    distinct_R, index_Q = np.unique(values_Q, return_inverse=True)
    within_CR = np.zeros((times_BC.shape[1], distinct_R.size))
    np.add.at(within_CR, (cluster_Q, index_Q), 1.0)
    within_BR = times_BC @ within_CR.cumsum(axis=1)
    queries_B = within_BR[:, -1:]
    # The first rank within which the lower, and the upper, of the middle two are.
    lower_B = (within_BR >= (queries_B + 1) // 2).argmax(axis=1)
    upper_B = (within_BR >= queries_B // 2 + 1).argmax(axis=1)
    medians_B: Float1D = np.where(
        queries_B[:, 0] > 0, (distinct_R[lower_B] + distinct_R[upper_B]) / 2, np.nan
    )
    return medians_B


def interval(values_B: Float1D) -> tuple[float, float]:
    """Return the ends of the 95 % percentile interval.

    Parameters
    ----------
    values_B
        One number a draw, [B]; nan is left out.
    """
    low, high = np.nanpercentile(values_B, [2.5, 97.5])
    return float(low), float(high)

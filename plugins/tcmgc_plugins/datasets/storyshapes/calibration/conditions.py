"""The conditions, each with what was found and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.statistics.bootstrap import bootstrap_means, draw_clusters, interval
from tcmgc.statistics.permutation import sign_flip_p

if TYPE_CHECKING:
    from tcmgc.arrays import Float1D, Int1D

LEVEL = 0.05
"""Of significance."""


@dataclass(frozen=True)
class Condition:
    """One line of the table.

    Parameters
    ----------
    what
        What is measured.
    found
        The figure, with its interval where it has one.
    needed
        What it must be.
    met
        Whether it is.
    """

    what: str
    found: str
    needed: str
    met: bool


@dataclass(frozen=True)
class Mean:
    """A mean over captions with its 95 % bootstrap interval over clusters, and a paired p-value."""

    value: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        return f"{self.value:.1f} [{self.low:.1f}, {self.high:.1f}]"


def mean_of(percent_T: Float1D, cluster_T: Int1D) -> Mean:
    """Return the mean of captions' values.

    Parameters
    ----------
    percent_T
        In percent, or points.
    cluster_T
        Cluster of each caption: the pair of stories it belongs to.
    """
    clusters = int(cluster_T.max()) + 1
    means = bootstrap_means(draw_clusters(clusters), percent_T[:, None], cluster_T)[:, 0]
    sums = np.bincount(cluster_T, weights=percent_T, minlength=clusters).astype(np.float64)
    return Mean(float(percent_T.mean()), *interval(means), sign_flip_p(sums))


def gallery(videos: int) -> Condition:
    """Enough videos to rank."""
    return Condition("videos in the test gallery", str(videos), "at least 200", videos >= 200)


def zero_shot(hits: Mean) -> Condition:
    """Neither hopeless nor solved before training."""
    return Condition("R@1 of clip-zero-shot", f"{hits} %", "from 10 to 40 %", 10 <= hits.value <= 40)


def best_recipe(label: str, r1: float) -> Condition:
    """Room for something better."""
    return Condition(f"R@1 of the best recipe, {label}", f"{r1:.1f} %", "under 85 %", r1 < 85)


def leakage(shared: int, pictures: int, videos: int) -> Condition:
    """No composition of a test video in any picture that trained the encoder."""
    what = f"compositions of the {videos:,} test videos among the encoder's {pictures:,} training pictures"
    return Condition(what, str(shared), "0", shared == 0)


def moments(gain: Mean) -> Condition:
    """Knowing when a caption happens helps."""
    return Condition(
        "R@1 that an oracle of the moments gains over mean pooling",
        f"{gain} points, p = {gain.p:.2g}",
        f"above 0, p < {LEVEL}",
        gain.value > 0 and gain.p < LEVEL,
    )


def telling_motion(apart: Mean) -> Condition:
    """Tell motion captions from their partners, by a model that looks at order."""
    excess = f"{apart} %, p = {apart.p:.2g} against 50 %"
    return Condition(
        "motion captions told from their partner, frames in order",
        excess,
        f"above 50 %, p < {LEVEL}",
        apart.value > 50 and apart.p < LEVEL,
    )


def blind_without_order(apart: Mean) -> Condition:
    """Fail to tell them out of order, by the same model."""
    return Condition(
        "motion captions told from their partner, frames shuffled",
        f"{apart} %",
        "50 % within the interval",
        apart.low <= 50 <= apart.high,
    )


def shuffling(cost: Mean, predicted: Mean, excess: Mean, *, share: float) -> Condition:
    """Shuffled frames cost what the share of motion captions predicts."""
    return Condition(
        f"R@1 that shuffled frames cost; {share:.0f} % motion captions predict {predicted} points",
        f"{cost} points, {excess} more than predicted",
        "0 within the last interval",
        excess.low <= 0 <= excess.high,
    )

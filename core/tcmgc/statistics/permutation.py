"""The paired permutation test: how often chance alone gives such a difference.

Where two rows are the same, which of them got which result of a video is a toss of a coin. The test counts
how often tosses give a mean difference at least as far from zero (Smucker, Allan & Carterette, A Comparison
of Statistical Significance Tests for Information Retrieval Evaluation, CIKM 2007), with whole videos as the
unit, since the captions of one are not independent.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from .bootstrap import SEED

if TYPE_CHECKING:
    from tcmgc.arrays import Float1D

TOSSES = 20_000
EXACT = 14
"""Up to so many videos that differ, all 2^n tosses are enumerated."""
BATCH = 1000


def sign_flip_p(difference_C: Float1D, tosses: int = TOSSES, seed: int = SEED) -> float:
    """Two-sided p-value of a sum of paired differences.

    Parameters
    ----------
    difference_C
        Difference of each cluster (video), summed over its queries, [C].
    tosses
        How many tosses of all signs to draw, where they are too many to enumerate.
    seed
        Of the generator.

    Returns
    -------
    float
        Never 0: the observed signs count as one toss (Phipson & Smyth, SAGMB 9, 2010).
    """
    # A video without a difference is the same under either sign.
    open_C = difference_C[difference_C != 0.0]
    # Sums in another order differ in their last digits, and equal ones have to count.
    least = abs(float(open_C.sum())) - 1e-9 * float(np.abs(open_C).sum())
    if open_C.size <= EXACT:
        signs = np.array([*product([-1.0, 1.0], repeat=open_C.size)])
        return float(np.mean(np.abs(signs @ open_C) >= least))
    rng = np.random.default_rng(seed)
    reached = 0
    for first in range(0, tosses, BATCH):
        signs = rng.integers(2, size=(min(BATCH, tosses - first), open_C.size)) * 2.0 - 1.0
        reached += int(np.count_nonzero(np.abs(signs @ open_C) >= least))
    return (reached + 1) / (tosses + 1)

"""The number of successes among independent trials of unequal probability.

Source: Y. Hong, "On computing the distribution function for the Poisson binomial distribution",
Computational Statistics & Data Analysis 59 (2013): the distribution is the discrete Fourier
transform of its characteristic function. Two changes keep it cheap: trials of equal probability are one
power, and frequencies at which the characteristic function is below double precision are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Float1D, Int1D

LOG_NEGLIGIBLE = 40.0
"""exp(-40) = 4e-18 is nothing beside the largest term, 1."""


def probability_below(limit_K: Int1D, probability_U: Float1D, trials_U: Int1D) -> Float1D:
    """Probability of fewer than each of K numbers of successes.

    Parameters
    ----------
    limit_K
        Numbers of successes, [K].
    probability_U
        Distinct probabilities of success, [U], in [0, 1].
    trials_U
        How many independent trials have each, [U].

    Returns
    -------
    ndarray [K]
        P(successes < limit), absolute error about 1e-12.
    """
    limit_K = limit_K - trials_U[probability_U == 1.0].sum()
    open_U = (probability_U > 0.0) & (probability_U < 1.0)
    p_U, n_U = probability_U[open_U], trials_U[open_U]
    trials = int(n_U.sum())
    # An odd period pairs every frequency but zero with its conjugate.
    period = trials + 1 + trials % 2
    angle_L = 2 * np.pi / period * np.arange(1, period // 2 + 1)
    # |1 - p + p e^ia|^2 = 1 - 4 p (1 - p) sin^2(a / 2), hence |characteristic| <= exp(-2 var sin^2(a / 2)).
    variance = float((n_U * p_U * (1 - p_U)).sum())
    angle_L = angle_L[2 * variance * np.sin(angle_L / 2) ** 2 < LOG_NEGLIGIBLE]
    turn_L = np.exp(1j * angle_L)
    characteristic_L = np.ones_like(turn_L)
    for p, n in zip(p_U, n_U, strict=True):
        characteristic_L *= (1 - p + p * turn_L) ** n
    clipped_K = np.clip(limit_K, 0, period)
    # Sum of e^(-iaj) over j = 0 ... limit - 1, a geometric series.
    series_KL = (1 - np.exp(-1j * np.outer(clipped_K, angle_L))) / (1 - turn_L.conj())
    below_K: Float1D = (clipped_K + 2 * (series_KL @ characteristic_L).real) / period
    return below_K.clip(0.0, 1.0)

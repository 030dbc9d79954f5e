"""The rank of the first relevant item when the order of equal scores is left to chance.

``above`` items score strictly higher than the best relevant one, ``size`` items share its score and
``relevant`` of those are relevant. Every order of the tied items is equally likely, so the relevant ones
occupy a uniformly random subset of the positions above + 1 ... above + size. The first of them stands
behind m of these positions when all ``relevant`` fall on the others (McSherry & Najork, ECIR 2008,
for one relevant item; for several, a hypergeometric draw that finds none):

    P(rank > above + m) = C(size - m, relevant) / C(size, relevant)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Float1D, Int1D


def first_rank_cdf(above_G: Int1D, size_G: Int1D, relevant_G: Int1D, k: int) -> Float1D:
    """Probability that the first relevant item is among the first ``k``.

    Parameters
    ----------
    above_G, size_G, relevant_G
        Integers [G], one tie group a query, as the module describes.
    k
        A rank, counted from 1; 0 or less has probability 0.

    Returns
    -------
    ndarray [G]
        Probabilities. Exactly 0 and 1 where the order of the ties does not matter.
    """
    reached_G = np.clip(k - above_G, 0, size_G)
    absent_G = (reached_G == 0).astype(np.float64)
    # The binomials are never formed: C(n-m, R) / C(n, R) is a product of R factors below one.
    open_G = np.flatnonzero((reached_G > 0) & (reached_G <= size_G - relevant_G))
    size_g, left_g, relevant_g = size_G[open_G], (size_G - reached_G)[open_G], relevant_G[open_G]
    product_g = np.ones(open_G.size)
    for i in range(int(relevant_g.max(initial=0))):
        product_g *= np.where(i < relevant_g, (left_g - i) / np.maximum(size_g - i, 1), 1.0)
    absent_G[open_G] = product_g
    within_G: Float1D = 1.0 - absent_G
    return within_G


def first_rank_pmf(size: int, relevant: int) -> Float1D:
    """Probability of each position of the first relevant item inside its tie group.

    Parameters
    ----------
    size, relevant
        Items in the group and relevant ones among them, 1 <= relevant <= size.

    Returns
    -------
    ndarray [size - relevant + 1]
        Entry m is the probability of rank above + 1 + m.
    """
    # Survival by its recurrence over m, so that a group of many captions costs one pass.
    m = np.arange(size - relevant + 1)
    survival = np.concatenate([[1.0], np.cumprod((size - relevant - m) / (size - m))])
    pmf: Float1D = survival[:-1] - survival[1:]
    return pmf

"""What shuffled frames should cost, predicted from scores of frames in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tcmgc.arrays import Float1D, Matrix


def first_places(similarity_TV: Matrix) -> Float1D:
    """Whether each caption's own video, of the same index, is first; a tie counts as its chance, [T]."""
    own_T = np.diagonal(similarity_TV)
    above_T = (similarity_TV > own_T[:, None]).sum(axis=1)
    level_T = (similarity_TV == own_T[:, None]).sum(axis=1)
    found: Float1D = np.where(above_T == 0, 1.0 / level_T, 0.0)
    return found


def predicted_first_places(
    similarity_TV: Matrix, motion_T: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Float1D:
    """Return what `first_places` is expected to be where the order of frames is unknown, [T].

    A caption about motion has a partner whose video shows the same frames in another order. Out of order
    the two cannot be told apart: if either was first, each is first with a chance of one half. Nothing
    changes for any other caption.

    Parameters
    ----------
    similarity_TV
        Scores of frames in order; partners stand side by side.
    motion_T
        Which captions are about motion.
    """
    T = len(similarity_TV)
    pair_T2 = np.stack([np.arange(T), partner(np.arange(T))], axis=1)
    best_T = np.take_along_axis(similarity_TV, pair_T2, axis=1).max(axis=1)
    others_TV = similarity_TV.copy()
    np.put_along_axis(others_TV, pair_T2, -np.inf, axis=1)
    either_T = (best_T > others_TV.max(axis=1)).astype(np.float64)
    found: Float1D = np.where(motion_T, either_T / 2, first_places(similarity_TV))
    return found


def told_apart(similarity_TV: Matrix) -> Float1D:
    """Whether each caption scores its own video above its partner's; a tie counts one half, [T]."""
    T = np.arange(len(similarity_TV))
    own_T, other_T = similarity_TV[T, T], similarity_TV[T, partner(T)]
    found: Float1D = (own_T > other_T) + 0.5 * (own_T == other_T)
    return found


def partner(index: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return the index of each story's partner: the other one of its pair."""
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = index ^ 1
    return found

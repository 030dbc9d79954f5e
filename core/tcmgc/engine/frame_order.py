"""Frames out of order: what a model makes of motion shows in what it loses by that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from .random_state import derive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.data.frames import SplitFrames

FrameOrder = Literal["given", "shuffled"]


def shuffled(data: SplitFrames, seed: int) -> NDArray[np.int64]:
    """Draw an order of every clip's frames; padding stays where it is.

    Parameters
    ----------
    data
        V clips of up to F frames.
    seed
        A clip's order depends on it and the clip's id alone, not on the gallery around it.

    Returns
    -------
    ndarray
        [V, F], the frame that each place shows.
    """
    order_VF = np.tile(np.arange(data.mask.shape[1]), (len(data.mask), 1))
    for clip, mask_F, order_F in zip(data.split.clips, data.mask, order_VF, strict=True):
        generator = np.random.default_rng(derive(seed, "frame order", clip.id))
        order_F[mask_F] = generator.permutation(order_F[mask_F])
    return order_VF

"""The frames that a training shows of a clip in an epoch, where a sampler draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import PluginError

from .random_state import derive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.arrays import Int1D
    from tcmgc.data.frames import SplitFrames
    from tcmgc.slots.sampler import RandomSampler


class FrameDraws:
    """Draws frames among a clip's candidates, by seed, epoch and clip alone.

    Parameters
    ----------
    sampler
        What draws.
    data
        The candidates of V clips: up to P frames each.
    seed
        Of the training.
    """

    def __init__(self, sampler: RandomSampler, data: SplitFrames, seed: int) -> None:
        self._sampler, self._data, self._seed = sampler, data, seed
        self.candidates = sampler.candidates.frames
        """P, the most candidates of a clip."""

    def draw(self, clips: Int1D, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Draw the frames of some clips.

        Parameters
        ----------
        clips
            [B], places in the split.
        epoch
            Counted from 1.

        Returns
        -------
        tuple
            Places among the candidates [B, F], 0 in padding, and the mask [B, F].

        Raises
        ------
        PluginError
            When the sampler draws other places than it may.
        """
        places_BF = np.zeros((len(clips), self._sampler.frames), dtype=np.int64)
        mask_BF = np.zeros(places_BF.shape, dtype=np.bool_)
        for row, clip in enumerate(clips.tolist()):
            times = self._data.times[clip][self._data.mask[clip]]
            name = self._data.split.clips[clip].id
            generator = np.random.default_rng(derive(self._seed, "frames", epoch, name))
            places = [int(place) for place in self._sampler.draw(times, generator)]
            self._check(places, len(times), name)
            places_BF[row, : len(places)] = places
            mask_BF[row, : len(places)] = True
        return places_BF, mask_BF

    def _check(self, places: list[int], count: int, clip: str) -> None:
        most = self._sampler.frames
        if not 1 <= len(places) <= most or not all(0 <= place < count for place in places):
            raise PluginError(
                f"sampler {type(self._sampler).__name__}: clip {clip}",
                found=f"{places} drawn of {count} frames",
                expected=f"1 to {most} places from 0 to {count - 1}",
            )

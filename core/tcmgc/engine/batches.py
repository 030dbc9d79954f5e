"""Which clips and captions meet in a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError

from .random_state import derive

if TYPE_CHECKING:
    from tcmgc.arrays import Int1D
    from tcmgc.data.clip import Split


@dataclass(frozen=True)
class Batch:
    """Rows of a split: clip i of a batch is described by its caption i.

    Parameters
    ----------
    clips
        [B], places in `Split.clips`, all different.
    captions
        [B], places in `Split.captions`.
    """

    clips: Int1D
    captions: Int1D


class BatchOrder:
    """Every clip once an epoch, with one of its captions, in an order of the seed and the epoch alone.

    Two captions of one clip never meet: each would be a negative of the other though it is true. The
    last batch may be smaller; it is left out where it has one clip, which has nothing to be
    contrasted with.

    Parameters
    ----------
    split
        What is trained on.
    batch_size
        Clips a batch.
    seed
        Of order and captions.
    hard_negatives
        Clips of one group follow each other, and so meet in one batch; a group may be cut in two where a
        batch is full. The groups come in an order of seed and epoch.

    Raises
    ------
    DataError
        When there is only one clip; when groups are wanted and a clip has none.
    """

    def __init__(self, split: Split, batch_size: int, seed: int, *, hard_negatives: bool = False) -> None:
        self._clips = len(split.clips)
        if self._clips < 2:
            raise DataError(
                f"split {split.name}", found="1 clip", expected="at least 2: clips are contrasted"
            )
        self._groups = _groups(split) if hard_negatives else None
        self._batch_size = batch_size
        self._seed = seed
        # Captions sorted by their clip, and where each clip's begin.
        clip_of_caption = split.clip_of_caption
        self._captions = np.argsort(clip_of_caption, kind="stable")
        self._counts = np.bincount(clip_of_caption, minlength=self._clips)
        self._starts = np.cumsum(self._counts) - self._counts

    def __len__(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(self._clips, self._batch_size)
        return whole + (rest > 1)

    def epoch(self, epoch: int) -> list[Batch]:
        """List the batches of an epoch."""
        generator = np.random.default_rng(derive(self._seed, "batches", epoch))
        clips = generator.permutation(self._clips)
        if self._groups is not None:
            places = generator.permutation(self._clips)  # of the groups; there are fewer than places
            clips = clips[np.argsort(places[self._groups[clips]], kind="stable")]
        chosen = generator.integers(0, self._counts)
        captions = self._captions[self._starts + chosen][clips]
        starts = range(0, len(self) * self._batch_size, self._batch_size)
        return [
            Batch(clips[start : start + self._batch_size], captions[start : start + self._batch_size])
            for start in starts
        ]


def _groups(split: Split) -> Int1D:
    """Return the number of each clip's group, [V]."""
    alone = next((clip.id for clip in split.clips if clip.group is None), None)
    if alone is not None:
        raise DataError(
            f"split {split.name}",
            found=f"clip {alone} in no group",
            expected="groups of clips that differ in little, which training.hard_negatives puts in one batch",
            hint="training.hard_negatives=false for a data set that knows none",
        )
    return np.unique([clip.group for clip in split.clips], return_inverse=True)[1].astype(np.int64)

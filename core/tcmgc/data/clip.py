"""What a data set is made of: clips, captions and splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tcmgc.arrays import Int1D

SplitName = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Clip:
    """A video file, or a part of one.

    Parameters
    ----------
    id
        Unique within the data set.
    path
        The file.
    start, end
        Seconds; None for the file's own.
    group
        Clips of one group differ in little, and are each other's hard negatives, where the data set knows.
    """

    id: str
    path: Path
    start: float | None = None
    end: float | None = None
    group: str | None = None


@dataclass(frozen=True)
class Moment:
    """A stretch of a clip, in seconds from its start."""

    start: float
    end: float


@dataclass(frozen=True)
class Link:
    """Characters ``start`` to ``end`` (excluded) of a caption are about its moment number ``moment``."""

    start: int
    end: int
    moment: int


@dataclass(frozen=True)
class Caption:
    """A sentence about a clip.

    Parameters
    ----------
    id
        Unique within the data set.
    clip
        The id of its clip.
    text
        The sentence.
    moments
        What it describes, where the data set knows.
    links
        Which of its words describe which moment, where the data set knows.
    tags
        Words to group queries by in a diagnosis, as ``motion``.
    """

    id: str
    clip: str
    text: str
    moments: tuple[Moment, ...] = ()
    links: tuple[Link, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dropped:
    """A clip that is left out of a split, and why.

    Parameters
    ----------
    clip
        Its id.
    reason
        In a few words: ``no video file``, or what its reader says; no path of the machine.
    """

    clip: str
    reason: str


@dataclass(frozen=True)
class Split:
    """Clips and their captions.

    Parameters
    ----------
    name
        ``train``, ``val`` or ``test``.
    clips
        In the order of a similarity's columns.
    captions
        In the order of its rows; every clip has at least one.
    caption_rule
        How captions were chosen, as ``one a clip``: part of the protocol.
    expected_clips
        How many clips the split should have; fewer are there when files are missing.
    expected_captions
        How many captions the split should have; None where nobody knows. Bounds for missing clips need it.
    dropped
        The clips that are not there, as far as the data set knows them one by one.
    """

    name: SplitName
    clips: tuple[Clip, ...]
    captions: tuple[Caption, ...]
    caption_rule: str
    expected_clips: int
    expected_captions: int | None = None
    dropped: tuple[Dropped, ...] = ()

    def __post_init__(self) -> None:
        ids = {clip.id for clip in self.clips}
        if not ids or len(ids) != len(self.clips):
            raise DataError(f"split {self.name}", found="no clip, or an id twice", expected="distinct clips")
        described = {caption.clip for caption in self.captions}
        if described != ids:
            odd = sorted(described ^ ids)[0]
            found = "a caption of an unknown clip" if odd in described else "a clip without a caption"
            raise DataError(
                f"split {self.name}: {odd}", found=found, expected="captions and clips that match"
            )

    def without(self, dropped: Iterable[Dropped]) -> Split:
        """Leave clips and their captions out; how many the split should have stays.

        Raises
        ------
        DataError
            When none is left.
        """
        left_out = tuple(dropped)
        if not left_out:
            return self
        ids = {each.clip for each in left_out}
        clips = tuple(clip for clip in self.clips if clip.id not in ids)
        if not clips:
            first = left_out[0]
            raise DataError(
                f"split {self.name}",
                found=f"no clip that can be used: {first.clip}: {first.reason}",
                expected="at least one",
            )
        captions = tuple(caption for caption in self.captions if caption.clip not in ids)
        return replace(self, clips=clips, captions=captions, dropped=(*self.dropped, *left_out))

    @cached_property
    def clip_of_caption(self) -> Int1D:
        """Column of each caption's clip, [T]."""
        column = {clip.id: index for index, clip in enumerate(self.clips)}
        return np.array([column[caption.clip] for caption in self.captions], dtype=np.int64)

"""What is there of a split, against what should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clip import Split


@dataclass(frozen=True)
class SplitAudit:
    """Expected and found, before any video is opened.

    Parameters
    ----------
    clips, captions
        How many there should be.
    without_video
        Ids of the clips that have no video file, with the reason in a few words.
    without_caption
        Ids of those that no annotation file has a caption of.
    present
        The rest; None where that is nothing.
    """

    clips: int
    captions: int
    without_video: Mapping[str, str]
    without_caption: tuple[str, ...]
    present: Split | None

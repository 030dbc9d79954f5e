"""What is missing of a data set, and how that is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc.data.clip import SplitName

    from .find_videos import VideoFinder
    from .rules import Rules


DROP = "dataset.missing=drop"


@dataclass(frozen=True)
class Absent:
    """What is not there of a split.

    Parameters
    ----------
    videos
        Ids of the clips without a video file.
    captions
        Ids of the clips that no annotation file has a caption of.
    clips
        How many the split has in all.
    """

    videos: tuple[str, ...]
    captions: tuple[str, ...]
    clips: int


def refuse_absent(rules: Rules, finder: VideoFinder, absent: Mapping[SplitName, Absent]) -> None:
    """Say what is missing, if anything is.

    Raises
    ------
    DataError
        With how much of each split, the first ids, and a link that is not followed where there is one.
    """
    told: list[str] = []
    ids: list[str] = []
    for name, of_split in absent.items():
        for what, clips in (("videos", of_split.videos), ("captions", of_split.captions)):
            if clips:
                told.append(f"{what} of {len(clips):,} of {of_split.clips:,} {name} clips")
                ids += clips
    if told:
        raise DataError(
            f"{rules.name} in {finder.walked.folder}",
            found=f"missing: {'; '.join(told)}: {some(ids)}{_refused(finder, ids)}",
            expected="all of them",
            hint=f"{DROP} goes on without them; the tables then say how many there are",
        )


def nothing_there(rules: Rules, finder: VideoFinder, names: Sequence[SplitName], first: str) -> DataError:
    """Make the error of splits without any video: it is not the folder that was meant.

    Parameters
    ----------
    rules, finder
        Of the data set.
    names
        The splits.
    first
        The id of a clip, as an example.
    """
    there = f"; {finder.count:,} video files of other names are there" if finder.count else ""
    return DataError(
        f"{rules.name}: videos in {finder.walked.folder}",
        found=f"none of {' and '.join(names)}{there}{_refused(finder, ())}",
        expected=f"{rules.video}, in the folder or below it; the first is {first}",
        hint="dataset.root=DIR names the folder of the videos",
    )


def _refused(finder: VideoFinder, clips: Sequence[str]) -> str:
    """Say which link is not followed: a clip's, or else the first that there is."""
    own = ((clip, why) for clip in clips if (why := finder.refusal(clip)) is not None)
    first = next(own, next(iter(finder.walked.refused.items()), None))
    if first is None:
        return ""
    return f"; {first[0]} is {first[1]} (dataset.follow_links=true follows links)"


def some(ids: Sequence[str], most: int = 3) -> str:
    """List the first ids, and say how many more there are."""
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more

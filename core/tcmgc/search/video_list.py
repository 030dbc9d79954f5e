"""The videos that are to be indexed: of a folder, or of a split of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.data.clip import Clip
from tcmgc.errors import DataError
from tcmgc.runs.fingerprint import split_sha256

from .about import SourceAbout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tcmgc.data.clip import Split
    from tcmgc.slots.dataset import Dataset

ENDINGS = frozenset(
    f".{ending}"
    for ending in (
        *("3gp", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov"),
        *("mp4", "mpeg", "mpg", "mts", "ogv", "ts", "webm", "wmv"),
    )
)
"""Of files that are taken for videos, in lower case."""


@dataclass(frozen=True)
class VideoList:
    """Videos with distinct ids.

    Parameters
    ----------
    about
        Where they come from.
    clips
        The videos.
    others
        Files of the folder that have no video's ending.
    """

    about: SourceAbout
    clips: tuple[Clip, ...]
    others: int = 0


def videos_of_folder(folder: Path) -> VideoList:
    """List the videos of a folder and of the folders below, by their paths in it.

    Hidden files and folders are passed over, and links to folders are not followed.

    Raises
    ------
    DataError
        When there is none.
    """
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise DataError(f"videos {folder}", found=found, expected="a folder of video files")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    videos = [path for path in files if path.suffix.lower() in ENDINGS]
    if not videos:
        raise DataError(
            f"videos {folder}",
            found=f"{len(files)} files, none with a video's ending",
            expected=f"files that end in one of {' '.join(sorted(ENDINGS))}",
        )
    clips = tuple(Clip(path.relative_to(folder).as_posix(), path.absolute()) for path in videos)
    about = SourceAbout(kind="videos", name=str(folder.absolute()))
    return VideoList(about, clips, len(files) - len(videos))


def videos_of_split(dataset: Dataset, split: Split, name: str, settings: Sequence[str]) -> VideoList:
    """List the clips of a split.

    Parameters
    ----------
    dataset, split
        What they are.
    name, settings
        The data set's name and what was set of it, as its ``key=value``.
    """
    about = SourceAbout(
        kind="dataset",
        name=name,
        settings=tuple(settings),
        version=dataset.version,
        split=split.name,
        split_sha256=split_sha256(split),
    )
    return VideoList(about, split.clips)

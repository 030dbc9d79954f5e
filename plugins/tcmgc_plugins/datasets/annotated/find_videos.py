"""Which file is the video of a clip."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from .walk import Walk

CONTAINERS = (
    *(".mp4", ".webm", ".mkv", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".3g2"),
    *(".3gpp", ".mts", ".m2ts", ".ts", ".asf", ".divx", ".qt", ".ogv", ".vob"),
)
"""Endings of video files, in lower case. Of two files of one clip, the earlier ending is taken."""


def video_stem(path: Path) -> tuple[str, ...]:
    """Return a file's name without its last ending; nothing where that is no video's, in any case."""
    base, dot, ending = path.name.rpartition(".")
    return (base,) if dot and f".{ending.lower()}" in CONTAINERS else ()


class VideoFinder:
    """Finds files by name, wherever they lie below a folder.

    Parameters
    ----------
    dataset
        What errors call the data set.
    walked
        The files.
    key
        What a file is found by, as its `video_stem`; nothing for a file that is no video.
    keys
        By which keys the file of a clip is looked for, the first that is there being taken.
    """

    def __init__(
        self,
        dataset: str,
        walked: Walk,
        *,
        key: Callable[[Path], Sequence[str]],
        keys: Callable[[str], Sequence[str]],
    ) -> None:
        self._dataset = dataset
        self._keys = keys
        self.walked = walked
        self._files = _by_key(walked.files, key)
        self._refused = {name: why for path, why in walked.refused.items() for name in key(path)}

    @property
    def count(self) -> int:
        """Files that could be some clip's."""
        return len({path for paths in self._files.values() for path in paths})

    def find(self, clip: str) -> Path | None:
        """Return a clip's file; None where there is none.

        Raises
        ------
        DataError
            When there are two of the same kind in different folders.
        """
        for key in self._keys(clip):
            if paths := self._files.get(key):
                return self._best(clip, paths)
        return None

    def refusal(self, clip: str) -> str | None:
        """Say why a link that would be a clip's file is not followed; None where there is none."""
        return next((self._refused[key] for key in self._keys(clip) if key in self._refused), None)

    def _best(self, clip: str, paths: Sequence[Path]) -> Path:
        ranked = sorted(paths, key=_rank)
        alike = [path for path in ranked if _rank(path) == _rank(ranked[0])]
        if len({path.resolve() for path in alike}) > 1:
            raise DataError(
                f"{self._dataset}: video {clip}",
                found=f"{len(alike)} files: {', '.join(map(str, alike[:3]))}",
                expected="one",
                hint="dataset.root=DIR names the folder of the right ones",
            )
        return ranked[0]


def _rank(path: Path) -> int:
    ending = path.suffix.lower()
    return CONTAINERS.index(ending) if ending in CONTAINERS else len(CONTAINERS)


def _by_key(files: Iterable[Path], key: Callable[[Path], Sequence[str]]) -> Mapping[str, list[Path]]:
    found: defaultdict[str, list[Path]] = defaultdict(list)
    for path in files:
        for name in key(path):
            found[name].append(path)
    return found

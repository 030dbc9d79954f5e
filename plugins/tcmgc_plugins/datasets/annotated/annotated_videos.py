"""Annotations and the video files that they are about: splits, what is missing, and what is to be known."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tcmgc.data.clip import Caption, Clip, Split
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.miniature.write_miniature import write_miniature

from .annotation_files import AnnotationFiles
from .find_videos import VideoFinder
from .overlap import shared_sources
from .walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.miniature.layout import Layout

    from .entry import Annotations, Entry


@dataclass(frozen=True)
class Rules:
    """What is a data set's own.

    Parameters
    ----------
    name
        As it is registered.
    official
        By annotation file, the rows of the published one.
    read
        From the files to the splits. The second argument is false where nothing is to be held out from train.
    layout
        Of a miniature.
    key, keys
        How a clip's file is found: see `tcmgc_plugins.datasets.annotated.find_videos.VideoFinder`.
    video
        What a clip's file is called, as errors say it: ``<id>.mp4``.
    paths
        Whether ids are paths below the root rather than names.
    """

    name: str
    official: Mapping[str, int]
    read: Callable[[AnnotationFiles, bool], Annotations]
    key: Callable[[Path], Sequence[str]]
    keys: Callable[[str], Sequence[str]]
    video: str
    layout: Layout
    paths: bool = False


@dataclass(frozen=True)
class Absent:
    """What is not there of a split.

    Parameters
    ----------
    videos
        Ids of the clips without a video file.
    captions
        Ids of the clips that no annotation file has a caption of.
    """

    videos: tuple[str, ...]
    captions: tuple[str, ...]


class AnnotatedVideos:
    """What `tcmgc.slots.dataset.Dataset` asks of a data set, but for its rules: a base class.

    Parameters
    ----------
    rules
        Of the data set.
    root
        Folder of the videos and, where ``annotations`` is None, of the annotation files.
    annotations
        Folder of the annotation files.
    missing
        ``fail``, or ``drop`` what has no video or no caption.
    follow_links, own_lists
        See `tcmgc_plugins.datasets.annotated.annotation_files.AnnotationFiles`.
    """

    def __init__(
        self,
        rules: Rules,
        *,
        root: str | None,
        annotations: str | None,
        missing: Literal["fail", "drop"],
        follow_links: bool,
        own_lists: bool,
    ) -> None:
        self._rules = rules
        self._root = root
        self._annotations = annotations
        self._missing = missing
        self._follow_links = follow_links
        self._own_lists = own_lists

    @cached_property
    def files(self) -> AnnotationFiles:
        """The annotation files.

        Raises
        ------
        DataError
            When no folder is given.
        """
        return AnnotationFiles(
            self._rules.name,
            self._folder(self._annotations or self._root),
            official=self._rules.official,
            own_lists=self._own_lists,
            follow_links=self._follow_links,
        )

    @cached_property
    def annotations(self) -> Annotations:
        """What the annotation files say, whether the videos are there or not."""
        read = self._rules.read(self.files, True)
        for name, split in read.items():
            for entry in split.entries:
                self._check_id(entry.id, name)
        return read

    @property
    def version(self) -> str:
        """A digest of all splits as annotated, and how many clips are left where some are missing.

        It goes by content: the same annotations in another file, or with another order of keys, are the
        same.
        """
        content = [
            [name, split.caption_rule, [asdict(entry) for entry in split.entries]]
            for name, split in self.annotations.items()
        ]
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
        parts = [f"annotations {digest}"]
        if self.files.mock is not None:
            parts.insert(0, "miniature")
        for name, split in self.annotations.items():
            if (found := len(self._present(name))) < len(split.entries):
                parts.append(f"{name} {found:,} of {len(split.entries):,}")
        return ", ".join(parts)

    @property
    def notes(self) -> list[str]:
        """What someone who reads the numbers should know, a sentence each."""
        notes = [] if self.files.mock is None else ["a miniature, made by tcmgc data mock: not the data set"]
        notes += [f"{name}: {split.caption_rule}" for name, split in self.annotations.items()]
        for name in ("train", "val"):
            test = self.annotations["test"].entries if "test" in self.annotations else ()
            entries = self.annotations[name].entries if name in self.annotations else ()
            known = sum(entry.source is not None for entry in entries)
            if known and (shared := shared_sources(entries, test)):
                notes.append(
                    f"{len(shared):,} of {len(entries):,} {name} clips are cut from a video of which test "
                    f"has a clip, too: {_some(shared)}"
                )
        return notes

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Read the annotations and find every video.

        Raises
        ------
        DataError
            For what is wrong in the files; for what is missing, unless it is to be dropped.
        """
        total = sum(len(split.entries) for split in self.annotations.values())
        if self._missing == "fail":
            self._refuse_absent()
        if progress is not None:
            progress(total, total)

    def split(self, name: SplitName) -> Split:
        """Return the clips of a split that are there."""
        if name not in self.annotations:
            raise DataError(f"{self._rules.name}: split {name}", found="no clip of it")
        annotated = self.annotations[name]
        if self._missing == "fail":
            self._refuse_absent(name)
        clips, captions = [], []
        for entry, path in self._present(name):
            clips.append(Clip(entry.id, path, entry.start, entry.end))
            captions += [
                Caption(f"{entry.id}#{number}", entry.id, one.text, one.moments, one.links)
                for number, one in enumerate(entry.sentences)
            ]
        if not clips:
            raise self._nothing(name)
        return Split(name, tuple(clips), tuple(captions), annotated.caption_rule, len(annotated.entries))

    def absent(self, name: SplitName) -> Absent:
        """Say what is missing of a split."""
        entries = self.annotations[name].entries
        found = self._found
        return Absent(
            tuple(entry.id for entry in entries if entry.id not in found),
            tuple(entry.id for entry in entries if not entry.sentences),
        )

    def write_miniature(
        self, folder: Path, videos: int, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Write a miniature: see `tcmgc_plugins.datasets.miniature.write_miniature`."""
        given = self._annotations is not None or self._root is not None
        true = self._rules.read(self.files, False) if given else None
        name, layout = self._rules.name, self._rules.layout
        write_miniature(name, layout, folder, videos, true=true, progress=progress)

    def _folder(self, given: str | None) -> Path:
        if given is None:
            raise DataError(
                f"data set {self._rules.name}",
                found="no root",
                expected="dataset.root=DIR, the folder of its videos and annotation files",
                hint=f"tcmgc data links {self._rules.name} says where to obtain them; "
                f"tcmgc data mock {self._rules.name} makes a miniature",
            )
        return Path(given).expanduser()

    @cached_property
    def _finder(self) -> VideoFinder:
        root = self._folder(self._root)
        same = root == self.files.folder
        walked = (
            self.files.walked
            if same
            else walk(root, f"{self._rules.name}: root", follow_links=self._follow_links)
        )
        return VideoFinder(self._rules.name, walked, key=self._rules.key, keys=self._rules.keys)

    @cached_property
    def _found(self) -> dict[str, Path]:
        """The video of every clip that has one."""
        ids = dict.fromkeys(entry.id for split in self.annotations.values() for entry in split.entries)
        return {clip: path for clip in ids if (path := self._finder.find(clip)) is not None}

    def _present(self, name: SplitName) -> list[tuple[Entry, Path]]:
        found = self._found
        return [
            (entry, found[entry.id])
            for entry in self.annotations[name].entries
            if entry.sentences and entry.id in found
        ]

    def _refuse_absent(self, *names: SplitName) -> None:
        if not self._found:
            raise self._nothing(*names)
        told: list[str] = []
        ids: list[str] = []
        for name in names or tuple(self.annotations):
            absent, total = self.absent(name), len(self.annotations[name].entries)
            for what, clips in (("videos", absent.videos), ("captions", absent.captions)):
                if clips:
                    told.append(f"{what} of {len(clips):,} of {total:,} {name} clips")
                    ids += clips
        if told:
            raise DataError(
                f"{self._rules.name} in {self._root}",
                found=f"missing: {'; '.join(told)}: {_some(ids)}{self._refused(ids)}",
                expected="all of them",
                hint="dataset.missing=drop goes on without them; the tables then say how many there are",
            )

    def _refused(self, clips: Sequence[str] = ()) -> str:
        """Say which link is not followed: a clip's, or else the first that there is."""
        finder = self._finder
        own = ((clip, why) for clip in clips if (why := finder.refusal(clip)) is not None)
        first = next(own, next(iter(finder.walked.refused.items()), None))
        if first is None:
            return ""
        return f"; {first[0]} is {first[1]} (dataset.follow_links=true follows links)"

    def _nothing(self, *names: SplitName) -> DataError:
        count = self._finder.count
        there = f"; {count:,} video files of other names are there" if count else ""
        first = next(split.entries[0].id for split in self.annotations.values())
        return DataError(
            f"{self._rules.name}: videos in {self._root}",
            found=f"none of {' and '.join(names) or 'any split'}{there}{self._refused()}",
            expected=f"{self._rules.video}, in the folder or below it; the first is {first}",
            hint="dataset.root=DIR names the folder of the videos",
        )

    def _check_id(self, clip: str, name: SplitName) -> None:
        parts = clip.split("/")
        single = "\\" not in clip and len(parts) == 1
        if (
            "\0" in clip
            or any(part in ("", ".", "..") for part in parts)
            or not (single or self._rules.paths)
        ):
            why = "leads out of the root" if ".." in parts else "is no name of a file"
            raise DataError(
                f"{self._rules.name}: a clip of {name}",
                found=f"{clip!r}, which {why}",
                expected="a path below the root"
                if self._rules.paths
                else "the name of a file below the root",
            )


def _some(ids: Sequence[str], most: int = 3) -> str:
    more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more

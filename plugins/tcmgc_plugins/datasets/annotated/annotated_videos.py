"""Annotations and the video files that they are about: splits, what is missing, and what is to be known."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tcmgc.data.audit import SplitAudit
from tcmgc.data.clip import Caption, Clip, Dropped, Split
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.miniature.write_miniature import write_miniature

from .absent import DROP, Absent, nothing_there, refuse_absent, some
from .annotation_files import AnnotationFiles
from .find_videos import VideoFinder
from .overlap import shared_sources
from .walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tcmgc.data.clip import SplitName

    from .entry import Annotations, Entry
    from .rules import Rules


class AnnotatedVideos:
    """What `tcmgc.slots.dataset.Dataset` asks of a data set, but for its title and rules: a base class.

    Parameters
    ----------
    rules
        Of the data set.
    root
        Folder of the videos and, where ``annotations`` is None, of the annotation files.
    annotations
        Folder of the annotation files.
    missing
        ``fail``, or ``drop`` what has no video, an unreadable one, or no caption.
    follow_links, own_lists
        See `tcmgc_plugins.datasets.annotated.annotation_files.AnnotationFiles`.
    """

    title: ClassVar[str]
    """What tables call it."""
    drop_setting: ClassVar[str] = DROP
    miniature_run: ClassVar[tuple[str, ...]] = (
        "tcmgc",
        "encoder.model=StoryShapes-ViT",
        "encoder.pretrained=storyshapes",
        "encoder.words=24",
        "training.epochs=1",
    )
    """The captions are the small CLIP's own, unless they are the true ones."""

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

    @classmethod
    def title_of(cls, config: Mapping[str, Any]) -> str:
        """Return what tables call it, with what is not usual; see `tcmgc.slots.dataset.Titled`."""
        return f"{cls.title}, validated on test" if config.get("validation") == "test" else cls.title

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

    @cached_property
    def version(self) -> str:
        """A digest of all splits as annotated, and which clips are left where some are missing.

        It goes by content: the same annotations in another file, or with another order of keys, are the
        same.
        """
        content = [
            [name, split.caption_rule, [asdict(entry) for entry in split.entries]]
            for name, split in self.annotations.items()
        ]
        parts = [f"annotations {_digest(content)}"]
        if self.files.mock is not None:
            parts.insert(0, "miniature")
        for name, split in self.annotations.items():
            present = [entry.id for entry, _ in self._present(name)]
            if len(present) < len(split.entries):
                parts.append(f"{name} {len(present):,} of {len(split.entries):,}: {_digest(present)}")
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
                    f"has a clip, too: {some(shared)}"
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
            self._refuse_absent(*self.annotations)
        if progress is not None:
            progress(total, total)

    def split(self, name: SplitName) -> Split:
        """Return the clips of a split that are there."""
        if name not in self.annotations:
            raise DataError(f"{self._rules.name}: split {name}", found="no clip of it")
        if self._missing == "fail" or not self._present(name):
            self._refuse_absent(name)
        return self._split(name)

    def _split(self, name: SplitName) -> Split:
        annotated = self.annotations[name]
        clips, captions = [], []
        for entry, path in self._present(name):
            clips.append(Clip(entry.id, path, entry.start, entry.end))
            captions += [
                Caption(f"{entry.id}#{number}", entry.id, one.text, one.moments, one.links)
                for number, one in enumerate(entry.sentences)
            ]
        # A clip that no annotation file describes has an unknown number of captions.
        told = [len(entry.sentences) for entry in annotated.entries]
        expected = sum(told) if all(told) else None
        rule = annotated.caption_rule
        absent = self.absent(name)
        reasons = dict.fromkeys(absent.captions, "no caption") | self._why(absent)
        dropped = tuple(
            Dropped(entry.id, reasons[entry.id]) for entry in annotated.entries if entry.id in reasons
        )
        return Split(name, tuple(clips), tuple(captions), rule, len(annotated.entries), expected, dropped)

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that there are annotations of."""
        return tuple(self.annotations)

    @property
    def drops(self) -> bool:
        """Whether clips whose video is missing or cannot be read are left out, and counted."""
        return self._missing == "drop"

    def audit(self, name: SplitName) -> SplitAudit:
        """Say what is there of a split, and what is missing."""
        absent = self.absent(name)
        captions = sum(len(entry.sentences) for entry in self.annotations[name].entries)
        present = self._split(name) if self._present(name) else None
        return SplitAudit(absent.clips, captions, self._why(absent), absent.captions, present)

    def _why(self, absent: Absent) -> dict[str, str]:
        """Say of every clip without a video why it has none."""
        return {
            clip: "no video file" if self._finder.refusal(clip) is None else "a link that is not followed"
            for clip in absent.videos
        }

    def absent(self, name: SplitName) -> Absent:
        """Say what is missing of a split."""
        entries = self.annotations[name].entries
        found = self._found
        return Absent(
            tuple(entry.id for entry in entries if entry.id not in found),
            tuple(entry.id for entry in entries if not entry.sentences),
            len(entries),
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
        absent = {name: self.absent(name) for name in names}
        if all(len(of_split.videos) == of_split.clips for of_split in absent.values()):
            first = self.annotations[names[0]].entries[0].id
            raise nothing_there(self._rules, self._finder, names, first)
        refuse_absent(self._rules, self._finder, absent)

    def _check_id(self, clip: str, name: SplitName) -> None:
        """Refuse an id that is no name of a file below the root, before any is looked for."""
        parts = clip.split("/")
        single = "\\" not in clip and len(parts) == 1
        bad = "\0" in clip or any(part in ("", ".", "..") for part in parts)
        if bad or not (single or self._rules.paths):
            why = "leads out of the root" if ".." in parts else "is no name of a file"
            wanted = "a path below the root" if self._rules.paths else "the name of a file below the root"
            where = f"{self._rules.name}: a clip of {name}"
            raise DataError(where, found=f"{clip!r}, which {why}", expected=wanted)


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

"""The `storyshapes` data set."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tcmgc.data.cache_folder import cache_folder
from tcmgc.errors import DataError

from .annotations import annotate, clip_id
from .story import Story, draw_stories
from .writer import write_videos

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc.data.clip import Split, SplitName

VERSION = 1
"""Raised by every change of what is drawn, told or encoded; a test pins the content of version 1."""
SIZES: dict[str, dict[SplitName, int]] = {
    "mini": {"train": 48, "val": 16, "test": 32},
    "quick": {"train": 640, "val": 160, "test": 320},
    "full": {"train": 7600, "val": 1000, "test": 1400},
}

PIXELS = (
    "attributes",
    "chance",
    "changes",
    "claim",
    "compositions",
    "drawing",
    "scene",
    "story",
    "video_file",
)
"""Modules of this package that the content of a video depends on."""


class StoryShapes:
    """Videos of several scenes of moving shapes, rendered and encoded on this machine.

    Every caption tells one or two scenes of its video, and its partner's video shows the same but for one
    attribute. Train, val and test share no composition of colours and shapes.

    Parameters
    ----------
    size
        ``mini`` for tests (96 videos), ``quick`` (1,120), ``full`` (10,000).
    captions
        Captions a video.
    seed
        Of everything that is drawn.
    root
        Where the files go; the cache folder when left out.
    """

    paper: ClassVar[str] = "made for tcmgc"

    def __init__(
        self,
        *,
        size: Literal["mini", "quick", "full"] = "quick",
        captions: Annotated[int, Field(ge=1, le=20)] = 1,
        seed: Annotated[int, Field(ge=0)] = 0,
        root: str | None = None,
    ) -> None:
        self.size = size
        self.captions = captions
        self.seed = seed
        base = cache_folder() / "datasets" if root is None else Path(root)
        name = f"storyshapes-v{VERSION}-{size}-seed{seed}-captions{captions}-{_sources()}"
        self.folder = base / name

    @property
    def version(self) -> str:
        """Version, size, seed and captions."""
        return f"{VERSION} {self.size}, seed {self.seed}, captions {self.captions}"

    @property
    def counts(self) -> dict[SplitName, int]:
        """Videos a split."""
        return SIZES[self.size]

    def stories(self, name: SplitName) -> list[Story]:
        """Return what the videos of a split show, in the order of its clips."""
        return _stories(name, self.counts[name], self.seed, self.captions)

    def split(self, name: SplitName) -> Split:
        """Return a split; see `tcmgc.slots.dataset.Dataset`."""
        return annotate(name, self.stories(name), self.folder / "videos", seed=self.seed)

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Render and encode the videos that are not there yet, on all cores.

        Raises
        ------
        DataError
            When the folder cannot be written to, or ffmpeg's H.264 encoder is missing.
        """
        videos = self.folder / "videos"
        total = sum(self.counts.values())
        try:
            videos.mkdir(parents=True, exist_ok=True)
            if self._finished():
                return
            write_videos(videos, self.counts, seed=self.seed, captions=self.captions, progress=progress)
            self._finish(total)
        except OSError as error:
            raise DataError(
                f"StoryShapes in {self.folder}",
                found=error.strerror or str(error),
                expected="a folder to write to, with space for it, and PyAV with libx264",
                hint="TCMGC_CACHE=DIR, or dataset.root=DIR",
            ) from None

    def _finished(self) -> bool:
        """Whether all files were written once and are still there."""
        try:
            said = json.loads((self.folder / "finished.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        files: dict[str, int] = said.get("bytes", {})
        here = {entry.name: entry.stat().st_size for entry in os.scandir(self.folder / "videos")}
        return len(files) == sum(self.counts.values()) and files.items() <= here.items()

    def _finish(self, total: int) -> None:
        names = [
            f"{clip_id(name, number)}.mp4" for name in self.counts for number in range(self.counts[name])
        ]
        sizes = {name: (self.folder / "videos" / name).stat().st_size for name in names}
        assert len(sizes) == total
        temporary = self.folder / f".finished-{os.getpid()}"
        temporary.write_text(json.dumps({"schema_version": 1, "version": self.version, "bytes": sizes}))
        temporary.replace(self.folder / "finished.json")


@cache
def _sources() -> str:
    """Digest the modules that decide on pixels: files that other code made are never taken for this one's."""
    home = Path(__file__).parent
    digest = hashlib.sha256()
    for name in PIXELS:
        digest.update((home / f"{name}.py").read_bytes())
    return digest.hexdigest()[:8]


@cache
def _stories(name: SplitName, count: int, seed: int, captions: int) -> list[Story]:
    return draw_stories(name, count, seed=seed, captions=captions)

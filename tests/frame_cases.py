"""A small split with its frames, and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tcmgc.data import decode_pool
from tcmgc.data.frames import SplitFrames, load_split
from tcmgc_plugins.readers.pyav_reader import PyavReader
from tcmgc_plugins.samplers.uniform import Uniform
from video_files import VideoFolder

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest

    from tcmgc.slots.reader import Reader
    from tcmgc_plugins.readers.pyav_reader import PyavVideo


class Counting(PyavReader):
    """Remembers what it opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def open(self, path: Path) -> AbstractContextManager[PyavVideo]:
        self.opened.append(path.name)
        return super().open(path)


class Dropping(VideoFolder):
    drops = True
    drop_setting = "dataset.drop=true"


def load(videos: VideoFolder, reader: Reader | None = None, frames: int = 9, **changes: Any) -> SplitFrames:
    arguments: dict[str, Any] = {
        "reader": reader or PyavReader(),
        "reader_config": {"name": "pyav", "threads": 1},
        "sampler": Uniform(frames=frames),
        "sampler_config": {"name": "uniform", "frames": frames},
        "image_size": 32,
        "workers": 0,
        **changes,
    }
    return load_split(videos, "test", **arguments)


def late_once_it_hangs(monkeypatch: pytest.MonkeyPatch, videos: Path) -> None:
    """Let a worker be late once `Hanging` is at work, and not before, however slow the machine is."""
    really = decode_pool._Worker.kill_if_late

    def kill_if_late(worker: decode_pool._Worker, time_limit: float) -> None:
        if list(videos.glob("*.hangs")):
            really(worker, 0.0)

    monkeypatch.setattr(decode_pool._Worker, "kill_if_late", kill_if_late)
    monkeypatch.setattr(decode_pool, "WATCH", 0.05)


def folders(cache: Path) -> list[Path]:
    """Finished ones."""
    return sorted(path for path in (cache / "frames").iterdir() if not path.name.startswith("."))


def unfinished(cache: Path) -> list[Path]:
    return sorted((cache / "frames").glob(".work-*"))

"""Frames on disk: named by what they depend on, checked at every read, made by one of several."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from bad_readers import Slow
from frame_cases import folders, load, unfinished
from source_edits import edit
from tcmgc.data import frame_work
from tcmgc.data.cache_folder import cache_folder
from tcmgc.data.frame_cache import FrameCacheWarning, remove_folder
from tcmgc.data.frame_work import lock_of
from tcmgc.files.disk import UnwritableError
from video_files import VideoFolder, write_video

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_second_time_nothing_is_decoded(videos: VideoFolder, cache: Path) -> None:
    told: list[tuple[int, int]] = []
    first = load(videos, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    again = load(videos, progress=lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.times, again.times, equal_nan=True)
    (folder,) = folders(cache)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["schema_version"] == 2
    assert [clip["id"] for clip in manifest["clips"]] == ["0", "1", "2"]


def test_pixels_may_be_written_to_and_the_cache_stays(videos: VideoFolder) -> None:
    """As `torch.from_numpy` wants it."""
    data = load(videos)
    torch.from_numpy(data.pixels).zero_()
    assert load(videos).pixels.any()


def test_what_frames_depend_on_names_them(videos: VideoFolder, cache: Path) -> None:
    load(videos)
    load(videos, frames=4)
    load(videos, image_size=16)
    load(videos, reader_config={"name": "pyav", "threads": 2})
    assert len(folders(cache)) == 4
    write_video(videos.folder / "1.mp4", 12)
    assert load(videos).mask.sum(axis=1).tolist() == [9, 9, 8]
    assert len(folders(cache)) == 5
    (videos.folder / "0.mp4").rename(videos.folder / "a.mp4")  # a name is no content, the order is
    load(videos)
    assert len(folders(cache)) == 6


@pytest.mark.parametrize(
    "name",
    [
        "tcmgc.data.decode",
        "tcmgc.data.preprocess",
        "tcmgc_plugins.readers.pyav_reader",
        "tcmgc_plugins.samplers.uniform",
    ],
)
def test_frames_depend_on_the_source_of_what_decodes(
    videos: VideoFolder, cache: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(videos)
    edit("tcmgc.data.cache_folder", monkeypatch)
    load(videos)
    assert len(folders(cache)) == 1
    edit(name, monkeypatch)
    load(videos)
    assert len(folders(cache)) == 2


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut short": lambda folder: os.truncate(folder / "frames.npy", 20_000),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "half a manifest": lambda folder: os.truncate(folder / "manifest.json", 200),
    "another manifest": lambda folder: (folder / "manifest.json").write_text("[]"),
    "no times": lambda folder: (folder / "times.npy").unlink(),
    "other times": lambda folder: np.save(folder / "times.npy", np.zeros((3, 9))),
    "other shape": lambda folder: np.save(folder / "frames.npy", np.zeros((3, 9, 8, 8, 3), np.uint8)),
    "no array": lambda folder: (folder / "frames.npy").write_text("frames"),
    "a pickle": lambda folder: np.save(folder / "frames.npy", np.array([{}]), allow_pickle=True),
    "a byte flipped": lambda folder: flip(folder / "frames.npy"),
}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5000] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_made_again(videos: VideoFolder, cache: Path, damage: str) -> None:
    before = np.array(load(videos).pixels)
    (folder,) = folders(cache)
    DAMAGE[damage](folder)
    with pytest.warns(FrameCacheWarning, match="damaged"):
        data = load(videos)
    assert np.array_equal(data.pixels, before)
    assert folders(cache) == [folder]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(videos)


def test_several_writers(videos: VideoFolder, cache: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(lambda _: load(videos, Slow()), range(4)))
    assert len(folders(cache)) == 1
    for data in loaded:
        assert np.array_equal(data.pixels, loaded[0].pixels)


SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from bad_readers import Waiting
from video_files import VideoFolder
from tcmgc.data.frames import load_split
from tcmgc_plugins.samplers.uniform import Uniform

data = load_split(
    VideoFolder(Path({folder!r})), "test", reader=Waiting(), reader_config={{}}, sampler=Uniform(frames=4),
    sampler_config={{}}, image_size=32, workers=2,
)
print("loaded", data.pixels.shape)
"""


@pytest.fixture
def script(tmp_path: Path, videos: VideoFolder) -> Path:
    """A script without ``if __name__ == "__main__"``."""
    path = tmp_path / "script.py"
    tests = str(Path(__file__).parents[1])
    path.write_text(SCRIPT.format(paths=[tests], folder=str(videos.folder)))
    return path


def test_a_plain_script_may_load(script: Path) -> None:
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == "loaded (3, 4, 32, 32, 3)\n"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_writer_leaves_nothing_that_counts(script: Path, videos: VideoFolder, cache: Path) -> None:
    (videos.folder / "wait").touch()
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        wait_for(lambda: (cache / "frames").is_dir() and bool(unfinished(cache)))
        process.send_signal(signal.SIGKILL)
    assert unfinished(cache)
    assert not folders(cache)
    (videos.folder / "wait").unlink()
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "loaded (3, 4, 32, 32, 3)\n"
    assert not unfinished(cache)
    assert len(folders(cache)) == 1


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_full_disk_is_said_before_anything_is_decoded(
    videos: VideoFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frame_work.os, "posix_fallocate", refuse, raising=False)
    with pytest.raises(UnwritableError, match="No space left on device"):
        load(videos, in_memory=False)
    assert not folders(cache)


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("TCMGC_CACHE")
    assert cache_folder().name == "tcmgc"


def test_a_disk_that_fills_up_at_the_end(
    videos: VideoFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frame_work.np, "save", refuse)
    with pytest.raises(UnwritableError, match=r"frames .*\n.*No space left.*\n.*\n.*TCMGC_CACHE") as caught:
        load(videos, in_memory=False)
    assert str(cache) in caught.value.where
    assert not folders(cache)


def test_who_waits_for_another_process_is_told(
    videos: VideoFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(videos)
    (folder,) = folders(cache)
    remove_folder(folder)
    monkeypatch.setattr(frame_work, "PATIENCE", 0.1)
    other, told = lock_of(folder), []

    def waits(lock: Path) -> None:
        told.append(lock)
        other.release()

    with other:
        load(videos, waits=waits)
    assert told == [Path(other.lock_file)]
    assert folders(cache) == [folder]
    load(videos, waits=waits)
    assert len(told) == 1

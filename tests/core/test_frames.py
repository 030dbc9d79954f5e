"""Splits with frames: decoded in workers, cached, checked at every read."""

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
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from bad_readers import Chatty, Crashing, Elsewhere, Hanging, Raising, Slow
from tcmgc.data import decode_pool, frame_cache
from tcmgc.data.cache_folder import cache_folder
from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.data.frame_cache import FrameCacheWarning
from tcmgc.data.frames import SplitFrames, load_split
from tcmgc.data.preprocess import square
from tcmgc.errors import DataError
from tcmgc.plugins import Plugins
from tcmgc_plugins.readers.pyav_reader import PyavReader
from tcmgc_plugins.samplers.uniform import Uniform
from video_files import VideoFolder, number_of, write_video

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.slots.reader import Reader


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def videos(tmp_path: Path) -> VideoFolder:
    """Three clips, of 10, 9 and 8 frames."""
    dataset = VideoFolder(tmp_path / "videos", frames=10)
    dataset.prepare()
    return dataset


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


def folders(cache: Path) -> list[Path]:
    return sorted((cache / "frames").iterdir())


def test_frames_are_the_samplers_and_padding_is_zero(videos: VideoFolder) -> None:
    data = load(videos)
    assert data.pixels.shape == (3, 9, 32, 32, 3)
    assert data.pixels.dtype == np.uint8
    assert data.mask.sum(axis=1).tolist() == [9, 9, 8]
    assert [number_of(frame) for frame in data.pixels[2][:8]] == list(range(8))
    assert not data.pixels[2, 8].any()
    assert np.isnan(data.times[2, 8])
    assert data.times[1] == pytest.approx(np.arange(9) / 10)
    assert np.array_equal(data.mask, ~np.isnan(data.times))
    assert [clip.id for clip in data.split.clips] == ["0", "1", "2"]


@pytest.mark.parametrize("workers", [0, 2, None])
def test_any_number_of_workers_gives_the_same(videos: VideoFolder, cache: Path, workers: int | None) -> None:
    decoding = Decoding(PyavReader(), Uniform(frames=9), 32)
    expected = [decoding(clip)[0] for clip in videos.split("test").clips]
    data = load(videos, workers=workers)
    for row, pixels in enumerate(expected):
        assert np.array_equal(data.pixels[row, : len(pixels)], pixels)
    assert len(folders(cache)) == 1


def test_the_second_time_nothing_is_decoded(videos: VideoFolder, cache: Path) -> None:
    told: list[tuple[int, int]] = []
    first = load(videos, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    again = load(videos, progress=lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.times, again.times, equal_nan=True)
    (folder,) = folders(cache)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["schema_version"] == 1
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


def test_a_window_of_a_file(videos: VideoFolder) -> None:
    class Windows(VideoFolder):
        def split(self, name: SplitName) -> Split:
            split = super().split(name)
            return replace(split, clips=tuple(replace(clip, start=0.3, end=0.6) for clip in split.clips))

    data = load(Windows(videos.folder))
    assert data.mask.sum(axis=1).tolist() == [3, 3, 3]
    assert [number_of(frame) for frame in data.pixels[0][:3]] == [3, 4, 5]
    assert data.times[0][:3] == pytest.approx([0.0, 0.1, 0.2])  # from the clip's start, as moments are


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
from bad_readers import Slow
from video_files import VideoFolder
from tcmgc.data.frames import load_split
from tcmgc_plugins.samplers.uniform import Uniform

data = load_split(
    VideoFolder(Path({folder!r})), "test", reader=Slow(), reader_config={{}}, sampler=Uniform(frames=4),
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
def test_a_killed_writer_leaves_nothing_that_counts(script: Path, cache: Path) -> None:
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        wait_for(lambda: (cache / "frames").is_dir() and bool(folders(cache)))
        process.send_signal(signal.SIGKILL)
    (left,) = folders(cache)
    assert left.name.startswith(".work-")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.stdout == "loaded (3, 4, 32, 32, 3)\n"
    assert left not in folders(cache)
    assert len(folders(cache)) == 1


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_clips_are_one_error(videos: VideoFolder, cache: Path, workers: int) -> None:
    (videos.folder / "0.mp4").write_text("no video")
    (videos.folder / "2.mp4").write_text("no video either")
    with pytest.raises(DataError) as caught:
        load(videos, workers=workers)
    said = str(caught.value)
    assert said.startswith(f"clip 0: video {videos.folder / '0.mp4'}\n")
    assert "Invalid data" in said
    assert "2 of 3 clips are unreadable, also clip 2" in said
    assert not folders(cache)


def test_a_missing_file(videos: VideoFolder) -> None:
    class Missing(VideoFolder):
        def split(self, name: SplitName) -> Split:
            split = super().split(name)
            (self.folder / "1.mp4").unlink()
            return split

    with pytest.raises(DataError, match=r"clip 1: video .*1\.mp4\n.*no such file"):
        load(Missing(videos.folder), workers=1)


def test_a_crash_costs_its_clip_only(videos: VideoFolder) -> None:
    with pytest.raises(DataError, match=r"clip 1: .*\n.*crashes: signal 6, .*\n") as caught:
        load(videos, Crashing(), workers=1)
    assert "of 3 clips" not in str(caught.value)


def test_a_hang_ends_at_the_time_limit(videos: VideoFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "TIME_LIMIT", 5.0)
    with pytest.raises(DataError, match=r"clip 1: .*\n.*no answer within 5 s"):
        load(videos, Hanging(), workers=1)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bug_in_a_reader_names_the_clip(videos: VideoFolder, workers: int) -> None:
    with pytest.raises(DataError, match=r"clip 1: .*\n.*KeyError: 'key'"):
        load(videos, Raising(), workers=workers)


def test_a_decoder_may_print(videos: VideoFolder) -> None:
    assert load(videos, Chatty(), workers=1).mask.sum() == 26


def test_readers_of_a_plugin_file_decode_in_workers(videos: VideoFolder, tmp_path: Path) -> None:
    source = (Path(__file__).parents[1] / "bad_readers.py").read_text()
    hook = "\nfrom tcmgc import hookimpl\n\n@hookimpl\ndef tcmgc_register(register):\n"
    file = tmp_path / "mine.py"
    file.write_text(source + hook + "    register.reader('elsewhere', Elsewhere)\n")
    plugins = Plugins()
    plugins.load_file(file)
    reader = plugins.registry.create("reader", {"name": "elsewhere"}, {})
    assert load(videos, reader, workers=1).mask.sum() == 26
    assert int((videos.folder / "1.pid").read_text()) != os.getpid()


def test_readers_that_no_worker_can_import_decode_here(videos: VideoFolder) -> None:
    class Local(Elsewhere):
        pass

    assert load(videos, Local(), workers=1).mask.sum() == 26
    assert int((videos.folder / "1.pid").read_text()) == os.getpid()
    (videos.folder / "1.pid").unlink()
    Elsewhere.__module__ = "gone"  # pickled here, unknown there
    try:
        sys.modules["gone"] = sys.modules["bad_readers"]
        assert load(videos, Elsewhere(), frames=8, workers=1).mask.sum() == 24
    finally:
        Elsewhere.__module__ = "bad_readers"
        del sys.modules["gone"]
    assert int((videos.folder / "1.pid").read_text()) == os.getpid()


@pytest.mark.parametrize("chosen", [[], list(range(10)), [99]])
def test_a_sampler_may_not_choose_so(videos: VideoFolder, chosen: list[int]) -> None:
    class Odd:
        frames = 9

        def __call__(self, *_: object) -> list[int]:
            return chosen

    with pytest.raises(DataError, match=r"clip 0: .*\n.*may choose 1 to 9"):
        load(videos, sampler=Odd())


def test_a_full_disk_is_said_before_anything_is_decoded(
    videos: VideoFolder, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(frame_cache.os, "posix_fallocate", refuse, raising=False)
    with pytest.raises(DataError, match="No space left on device"):
        load(videos)
    assert not folders(cache)


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("TCMGC_CACHE")
    assert cache_folder().name == "tcmgc"


@pytest.mark.parametrize("shape", [(64, 64), (48, 97), (101, 60), (33, 32), (20, 31), (240, 427)])
def test_preprocessing_is_clips(shape: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    clips = Compose([Resize(32, interpolation=InterpolationMode.BICUBIC), CenterCrop(32)])
    assert np.array_equal(square(frame, 32), np.asarray(clips(Image.fromarray(frame))))


def test_a_clip_outside_its_file(videos: VideoFolder) -> None:
    decoding = Decoding(PyavReader(), Uniform(frames=4), 32)
    clip = Clip("late", videos.folder / "0.mp4", start=100.0, end=101.0)
    pixels, _ = decoding(clip)
    assert [number_of(frame) for frame in pixels] == [9]

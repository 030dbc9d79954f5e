"""Frames that were begun: what is done is not done again, and the result is as if nobody was killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bad_readers import Crashing, Hanging
from frame_cases import Counting, Dropping, folders, late_once_it_hangs, load, unfinished
from tcmgc.data.decode import Decoding
from tcmgc.data.decode_frames import UnreadableClips
from tcmgc.data.frame_work import read_journal
from tcmgc.errors import DataError
from tcmgc_plugins.readers.pyav_reader import PyavReader
from tcmgc_plugins.samplers.uniform import Uniform
from video_files import VideoFolder, write_video

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from bad_readers import Slow
from video_files import VideoFolder
from tcmgc.data.frames import load_split
from tcmgc_plugins.samplers.uniform import Uniform

class Dropping(VideoFolder):
    drops = True
    drop_setting = ""

data = load_split(
    Dropping(Path({folder!r})), "test", reader=Slow(), reader_config={{}}, sampler=Uniform(frames=4),
    sampler_config={{}}, image_size=32, workers=2,
)
print("loaded", data.pixels.shape)
"""


def test_a_replaced_file_is_the_only_one_that_is_decoded(videos: VideoFolder, cache: Path) -> None:
    (videos.folder / "1.mp4").write_text("no video")
    reader = Counting()
    with pytest.raises(UnreadableClips):
        load(videos, reader)
    assert reader.opened == ["0.mp4", "1.mp4", "2.mp4"]
    assert not folders(cache)
    write_video(videos.folder / "1.mp4", 9)
    reader.opened.clear()
    data = load(videos, reader)
    assert reader.opened == ["1.mp4"]
    assert np.array_equal(data.pixels, load(videos, PyavReader(), reader_config={"other": 1}).pixels)


def test_clips_of_another_split_are_not_decoded_again(videos: VideoFolder) -> None:
    reader = Counting()
    load(videos, reader)
    reader.opened.clear()
    (videos.folder / "0.mp4").unlink()
    data = load(videos, reader)
    assert reader.opened == []
    assert data.mask.sum(axis=1).tolist() == [9, 8]
    reader.opened.clear()
    load(videos, reader, frames=4)  # other frames
    assert len(reader.opened) == 2


def test_a_row_that_is_not_what_was_written_is_decoded_again(videos: VideoFolder, cache: Path) -> None:
    (videos.folder / "1.mp4").write_text("no video")
    reader = Counting()
    with pytest.raises(UnreadableClips):
        load(videos, reader)
    reader.opened.clear()
    (work,) = unfinished(cache)
    frames = np.load(work / "frames.npy", mmap_mode="r+")
    frames[2, 0, 0, 0, 0] ^= 1
    frames.flush()
    with (work / "journal.jsonl").open("a") as file:
        file.write('{"row": 1, "crc')  # killed as it wrote
    with pytest.raises(UnreadableClips):
        load(videos, reader)
    assert reader.opened == ["1.mp4", "2.mp4"]


@pytest.fixture
def dropping(videos: VideoFolder) -> Dropping:
    """The first and the last but one of four cannot be read."""
    write_video(videos.folder / "3.mp4", 7)
    for number in (0, 2):
        (videos.folder / f"{number}.mp4").write_text("no video")
    return Dropping(videos.folder)


def test_dropped_clips_are_left_out_and_told(dropping: Dropping, cache: Path) -> None:
    reader = Counting()
    data = load(dropping, reader)
    assert [clip.id for clip in data.split.clips] == ["1", "3"]
    assert [caption.clip for caption in data.split.captions] == ["1", "3"]
    assert [(each.clip, "Invalid data" in each.reason) for each in data.split.dropped] == [
        ("0", True),
        ("2", True),
    ]
    assert data.split.expected_clips == 4
    assert data.mask.sum(axis=1).tolist() == [9, 7]
    assert data.pixels[:, 1].any(axis=(1, 2, 3)).all()  # no zeros in a dropped one's place
    manifest = json.loads((folders(cache)[0] / "manifest.json").read_text())
    assert [clip["id"] for clip in manifest["unreadable"]] == ["0", "2"]
    assert all("Invalid data" in clip["reason"] for clip in manifest["unreadable"])
    reader.opened.clear()
    again = load(dropping, reader)
    assert reader.opened == []
    assert np.array_equal(again.pixels, data.pixels)
    decoding = Decoding(PyavReader(), Uniform(frames=9), 32)
    for row, clip in enumerate(data.split.clips):
        pixels, _ = decoding(clip)
        assert np.array_equal(data.pixels[row, : len(pixels)], pixels)


def test_who_does_not_drop_tries_them_again(dropping: Dropping, cache: Path) -> None:
    reader = Counting()
    load(dropping, reader)
    reader.opened.clear()
    with pytest.raises(UnreadableClips, match=r"clip 0: .*\n.*2 of 4 clips") as caught:
        load(VideoFolder(dropping.folder), reader)
    assert list(caught.value.failed) == ["0", "2"]
    assert sorted(reader.opened) == ["0.mp4", "2.mp4"]
    assert len(load(dropping).split.clips) == 2  # what was finished stays


def test_retry(videos: VideoFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that hung once, on a busy machine."""
    dataset = Dropping(videos.folder)
    late_once_it_hangs(monkeypatch, videos.folder)
    config = {"reader_config": {"name": "hanging"}, "workers": 1}
    assert len(load(dataset, Hanging(), time_limit=3.0, **config).split.clips) == 2
    assert len(load(dataset, Hanging(), time_limit=3.0, **config).split.clips) == 2
    monkeypatch.setattr(Hanging, "misbehave", lambda *_: None)
    assert len(load(dataset, Hanging(), **config).split.clips) == 2
    assert len(load(dataset, Hanging(), retry=True, **{**config, "workers": 0}).split.clips) == 3
    assert len(load(dataset, Hanging(), **config).split.clips) == 3


def test_a_crash_is_a_reason_to_drop(videos: VideoFolder) -> None:
    data = load(Dropping(videos.folder), Crashing(), workers=1)
    (dropped,) = data.split.dropped
    assert dropped.clip == "1"
    assert "crashes: signal 6" in dropped.reason


def test_no_clip_at_all_is_an_error(videos: VideoFolder, cache: Path) -> None:
    for number in range(3):
        (videos.folder / f"{number}.mp4").write_text("no video")
    with pytest.raises(DataError, match="3 of 3 clips are unreadable"):
        load(Dropping(videos.folder))
    assert not folders(cache)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_worker_that_hangs_ends_with_its_parent(videos: VideoFolder, tmp_path: Path, cache: Path) -> None:
    script = tmp_path / "script.py"
    tests = str(Path(__file__).parents[1])
    text = SCRIPT.format(paths=[tests], folder=str(videos.folder)).replace("Slow", "Hanging")
    script.write_text(text)
    process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: bool(children(process.pid)) and journaled(cache))
        workers = children(process.pid)
    finally:
        process.kill()
        process.communicate()
    wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def journaled(cache: Path) -> bool:
    return lines(cache) > 0


def lines(cache: Path) -> int:
    """How many clips are done of frames that are not finished."""
    return sum(len(read_journal(work)) for work in (cache / "frames").glob(".work-*"))


def children(parent: int) -> list[int]:
    """The processes that any thread of a process started."""
    listed = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(child) for path in listed for child in path.read_text().split()]

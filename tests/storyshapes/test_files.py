"""StoryShapes on a disk: real files, read back by the ordinary readers."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from tcmgc.app import current_registry
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.storyshapes.dataset import SIZES, StoryShapes
from tcmgc_plugins.datasets.storyshapes.drawing import SIDE, draw_frames
from tcmgc_plugins.datasets.storyshapes.story import RATE

if TYPE_CHECKING:
    from pathlib import Path

PREPARE = """
import sys
from tcmgc_plugins.datasets.storyshapes.dataset import StoryShapes
if __name__ == "__main__":
    StoryShapes(size="mini", root=sys.argv[1]).prepare()
"""


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> StoryShapes:
    dataset = StoryShapes(size="mini", root=str(tmp_path_factory.mktemp("storyshapes")))
    seen: list[tuple[int, int]] = []
    dataset.prepare(lambda done, total: seen.append((done, total)))
    assert seen[-1] == (96, 96)
    return dataset


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.mp4")}


def test_every_clip_of_every_split_is_a_file(mini: StoryShapes) -> None:
    for name, count in SIZES["mini"].items():
        split = mini.split(name)
        assert len(split.clips) == len(split.captions) == split.expected_clips == count
        assert all(clip.path.is_file() for clip in split.clips)
    assert len(digests(mini.folder / "videos")) == 96


@pytest.mark.parametrize("reader", ["decord", "pyav"])
def test_files_show_what_was_drawn(mini: StoryShapes, reader: str) -> None:
    component = current_registry().create("reader", {"name": reader}, {})
    for story, clip in list(zip(mini.stories("test"), mini.split("test").clips, strict=True))[:6]:
        drawn = np.concatenate(
            [draw_frames(s, n, story.ground) for s, n in zip(story.scenes, story.lengths, strict=True)]
        )
        with component.open(clip.path) as video:
            assert video.fps == pytest.approx(RATE)
            np.testing.assert_allclose(video.times, np.arange(len(drawn)) / RATE, atol=1e-3)
            pixels = video.read(range(len(drawn)))
        assert pixels.shape == (len(drawn), SIDE, SIDE, 3)
        off = np.abs(pixels.astype(int) - drawn.astype(int)).mean(axis=(1, 2, 3))
        assert off.max() < 6, "of 255, lost by compression and by chroma at half resolution"


def test_files_are_h264_in_mp4(mini: StoryShapes) -> None:
    with av.open(str(mini.split("val").clips[0].path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert "mp4" in container.format.name


def test_the_same_seed_gives_the_same_bytes(mini: StoryShapes, tmp_path: Path) -> None:
    again = StoryShapes(size="mini", root=str(tmp_path))
    again.prepare()
    assert digests(again.folder / "videos") == digests(mini.folder / "videos")
    other = StoryShapes(size="mini", seed=1, root=str(tmp_path))
    assert other.folder != again.folder
    assert [c.text for c in other.split("val").captions] != [c.text for c in again.split("val").captions]


def test_prepare_makes_what_is_missing_and_nothing_else(mini: StoryShapes) -> None:
    videos = mini.folder / "videos"
    before = digests(videos)
    gone, cut = videos / "test-00003.mp4", videos / "val-00002.mp4"
    gone.unlink()
    cut.write_bytes(b"")
    others = {path.name: path.stat().st_mtime_ns for path in videos.glob("*.mp4") if path != cut}
    mini.prepare()
    assert digests(videos) == before
    for name, time_ns in others.items():
        assert (videos / name).stat().st_mtime_ns == time_ns


def test_a_killed_prepare_goes_on_to_the_same_files(mini: StoryShapes, tmp_path: Path) -> None:
    script = tmp_path / "prepare.py"
    script.write_text(PREPARE)
    folder = StoryShapes(size="mini", root=str(tmp_path)).folder
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)], start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list((folder / "videos").glob("test-*.mp4"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
        if process.poll() is not None:
            break
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    StoryShapes(size="mini", root=str(tmp_path)).prepare()
    assert digests(folder / "videos").items() >= digests(mini.folder / "videos").items()
    said = json.loads((folder / "finished.json").read_text())
    assert len(said["bytes"]) == 96


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="a folder to write to"):
        StoryShapes(size="mini", root=str(tmp_path / "file")).prepare()

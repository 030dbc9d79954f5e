"""The reader of two: decord's frames where decord reads a file, PyAV's where it does not, never a mixture."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.errors import DataError
from tcmgc.slots.reader import Alternatives, Reader
from tcmgc_plugins.readers.decord_else_pyav import DecordElsePyav
from tcmgc_plugins.readers.decord_reader import DecordReader
from tcmgc_plugins.readers.pyav_reader import PyavReader
from tcmgc_plugins.samplers.uniform import Uniform
from video_files import number_of, write_video

if TYPE_CHECKING:
    from pathlib import Path

decord = pytest.importorskip("decord")


def decoding(reader: Reader) -> Decoding:
    return Decoding(reader, Uniform(frames=6), 32)


def test_which_one_read_a_clip_is_told(tmp_path: Path) -> None:
    reader = DecordElsePyav()
    assert isinstance(reader, Reader)
    assert isinstance(reader, Alternatives)
    usual = write_video(tmp_path / "a.mp4")
    cut = write_video(tmp_path / "b.mp4", cut=5)  # which decord miscounts
    raw = write_video(tmp_path / "c.h264", rate=25)  # whose duration decord misses
    found = [decoding(reader).decode(Clip(path.name, path)) for path in (usual, cut, raw)]
    assert [each.reader.partition(" ")[0] for each in found] == ["decord", "pyav", "pyav"]
    for each, path, alone in zip(
        found, (usual, cut, raw), (DecordReader(), PyavReader(), PyavReader()), strict=True
    ):
        assert np.array_equal(each.pixels, decoding(alone).decode(Clip("a", path)).pixels)


def test_a_frame_that_decord_misses_has_pyav_read_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Unable to handle EOF")

    path = write_video(tmp_path / "a.mp4")
    expected = decoding(PyavReader()).decode(Clip("a", path))
    monkeypatch.setattr(decord.VideoReader, "next", fail)
    found = decoding(DecordElsePyav()).decode(Clip("a", path))
    assert found.reader == PyavReader().version
    assert np.array_equal(found.pixels, expected.pixels)


def test_what_neither_reads_is_pyavs_error(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("no video")
    with pytest.raises(DataError, match="FFmpeg"):
        decoding(DecordElsePyav()).decode(Clip("a", path))
    with pytest.raises(DataError, match="FFmpeg"), DecordElsePyav().open(path):
        pass


def test_opened_by_itself(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", cut=5)
    with DecordElsePyav().open(path) as video:
        assert [number_of(frame) for frame in video.read([0, 1])] == [5, 6]


def test_without_decord_it_is_pyav(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert DecordElsePyav().version == f"{DecordReader().version}, else {PyavReader().version}"
    monkeypatch.setitem(sys.modules, "decord", None)
    assert DecordElsePyav().version == PyavReader().version
    found = decoding(DecordElsePyav()).decode(Clip("a", write_video(tmp_path / "a.mp4")))
    assert found.reader == PyavReader().version


@pytest.mark.parametrize("ending", ["mpg", "avi"])
@pytest.mark.parametrize("codec", ["mpeg1video", "mpeg2video"])
def test_decord_skips_nothing_where_frames_bear_no_times(
    ending: str, codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Skipping loses wanted frames at random there: in up to half of the tries on a busy machine."""
    path = write_video(
        tmp_path / f"a.{ending}", 60, codec=codec, rate=25, options={"g": "100", "bf": "0"}, width=128
    )

    def refuse(*_: object) -> None:
        raise AssertionError("skipped")

    monkeypatch.setattr(decord.VideoReader, "skip_frames", refuse)
    with DecordReader().open(path) as video:
        assert [number_of(frame) for frame in video.read([0, 7, 58])] == [0, 7, 58]
    with (
        DecordReader().open(write_video(tmp_path / "a.mp4")) as video,
        pytest.raises(DataError, match="skipped"),
    ):
        video.read([0, 20])

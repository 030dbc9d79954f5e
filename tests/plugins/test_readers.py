"""Readers: the frames that were asked for, at their times, or one error with the reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from tcmgc.errors import DataError
from tcmgc.slots.reader import OpenVideo, Reader
from tcmgc_plugins.readers.decord_reader import DecordReader
from tcmgc_plugins.readers.pyav_reader import PyavReader
from video_files import (
    HEVC,
    HEVC_DIGEST,
    OPEN,
    digest,
    number_of,
    numbered_frame,
    packets,
    rotate,
    write_audio,
    write_video,
)

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import decord
except ImportError:
    decord = None

needs_decord = pytest.mark.skipif(decord is None, reason="decord has no wheel for this platform")
READERS = [
    pytest.param(DecordReader(), id="decord", marks=needs_decord),
    pytest.param(PyavReader(), id="pyav"),
]
each_reader = pytest.mark.parametrize("reader", READERS)

FILES: dict[str, Path | dict[str, Any]] = {
    "one group of pictures": {},
    "a key frame in ten": {"options": {"g": "10", "sc_threshold": "0"}},
    "no B-frames": {"options": {"bf": "0"}},
    "HEVC, open groups": HEVC,
    "H.264, open groups": {"options": {"x264-params": f"{OPEN}:crf=12"}},
    "MPEG-4 with B-frames": {"codec": "mpeg4", "options": {"bf": "2", "g": "8", "qscale": "2"}},
    "one frame": {"frames": 1},
    "two frames": {"frames": 2},
}


def made(kind: str, path: Path) -> tuple[Path, int]:
    """Return a file of a kind, encoded at the path unless it is kept, and the number of its frames."""
    how = FILES[kind]
    return (how, 30) if isinstance(how, Path) else (write_video(path, **how), how.get("frames", 30))


def suspect(kind: str, path: Path) -> str:
    """Say whether the encoder or the reader made other frames than were asked for."""
    known = HEVC_DIGEST if path == HEVC else digest(made(kind, path.with_name("again.mp4"))[0])
    found = digest(path)
    if found == known:
        return f"suspect the reader: the file is as it should be, SHA-256 {found}"
    return f"suspect the encoder: the file is another one, SHA-256 {found} and not {known}"


@each_reader
@pytest.mark.parametrize("kind", FILES)
def test_every_frame_is_the_one_asked_for(reader: Reader, kind: str, tmp_path: Path) -> None:
    """decord's own seeking returns other frames of the open groups and of MPEG-4, without a word."""
    path, count = made(kind, tmp_path / "a.mp4")

    def check(video: OpenVideo, wanted: list[int]) -> None:
        frames = video.read(wanted)
        assert frames.dtype == np.uint8
        assert frames.shape == (len(wanted), 64, 64, 3)
        assert [number_of(frame) for frame in frames] == wanted, suspect(kind, path)

    with reader.open(path) as video:
        assert isinstance(video, OpenVideo)
        assert video.times == pytest.approx(np.arange(count) / 10, abs=1e-5)
        check(video, list(range(count)))
        for step in (7, 4):  # and again, from the start
            check(video, list(range(0, count, step)))
    with reader.open(path) as video:
        check(video, [count - 1])


def test_the_kept_file_is_the_one_that_was_checked() -> None:
    assert digest(HEVC) == HEVC_DIGEST, "made anew? then put its digest into HEVC_DIGEST"


@each_reader
def test_order_and_repetition_are_the_callers(reader: Reader, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    with reader.open(path) as video:
        assert [number_of(frame) for frame in video.read([7, 2, 7, 29])] == [7, 2, 7, 29]


CODECS = {
    "H.264": {"options": {"x264-params": f"{OPEN}:crf=12"}},
    "H.264, pyramid": {"options": {"x264-params": "bframes=7:b-pyramid=normal:b-adapt=0:keyint=30:crf=12"}},
    "HEVC": HEVC,
    "MPEG-4": {"codec": "mpeg4", "options": {"bf": "2", "g": "8", "qscale": "2"}},
    "MPEG-2": {"codec": "mpeg2video", "rate": 25, "options": {"bf": "2", "g": "8"}},
    "VP9": {"codec": "libvpx-vp9", "options": {"crf": "20"}},
    "AV1": {"codec": "libsvtav1", "options": {"preset": "12", "crf": "20"}},
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("codec", CODECS)
def test_frames_that_are_passed_over_change_no_other(codec: str, threads: int, tmp_path: Path) -> None:
    how: Any = CODECS[codec]
    if isinstance(how, dict) and how.get("codec", "libx264") not in av.codecs_available:
        pytest.skip("this FFmpeg has no such encoder")
    path = how if isinstance(how, Path) else write_video(tmp_path / "a.mp4", **how)
    with PyavReader(threads=threads).open(path) as video:
        every = video.read(range(len(video.times)))
        for step in (1, 2, 5, 13):
            wanted = list(range(step - 1, len(every), step))
            assert np.array_equal(video.read(wanted), every[wanted])


@needs_decord
def test_decoders_agree(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", stamps=[k + k // 5 for k in range(30)], width=96)
    with DecordReader().open(path) as one, PyavReader().open(path) as other:
        assert one.fps == pytest.approx(other.fps)
        assert np.abs(one.times - other.times).max() < 1e-5
        a, b = one.read(range(30)).astype(int), other.read(range(30)).astype(int)
    assert np.abs(a - b).mean() < 1
    written = np.stack([numbered_frame(k, width=96) for k in range(30)])
    assert np.abs(a - written).mean() < 6


@each_reader
def test_times_are_those_of_the_file(reader: Reader, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", stamps=[k * k for k in range(30)])
    with reader.open(path) as video:
        assert video.times == pytest.approx([k * k / 10 for k in range(30)], abs=1e-5)
        assert [number_of(frame) for frame in video.read([3, 29])] == [3, 29]


@each_reader
def test_avi_has_no_time_stamps(reader: Reader, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", codec="mpeg4", options={"bf": "2", "qscale": "2"})
    with reader.open(path) as video:
        assert video.times == pytest.approx(np.arange(30) / 10)
        assert [number_of(frame) for frame in video.read(range(30))] == list(range(30))


def test_a_raw_stream_has_no_header(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.h264", rate=25)
    with PyavReader().open(path) as video:
        assert video.times == pytest.approx(np.arange(30) / video.fps)
        assert [number_of(frame) for frame in video.read([0, 13])] == [0, 13]


@each_reader
def test_rotation_is_applied(reader: Reader, tmp_path: Path) -> None:
    upright = write_video(tmp_path / "a.mp4", width=96)
    with PyavReader().open(upright) as video:
        expected = np.rot90(video.read([5]), -1, axes=(1, 2))
    with reader.open(rotate(upright)) as video:
        turned = video.read([5])
    assert turned.shape == (1, 96, 64, 3)
    assert np.abs(turned.astype(int) - expected).mean() < 2


def cut_short(path: Path) -> Path:
    """Two thirds of a file whose header comes first."""
    whole = write_video(path, container={"movflags": "faststart"})
    whole.write_bytes(whole.read_bytes()[: packets(whole)[20][0]])
    return whole


def without_header(path: Path) -> Path:
    """The start of a file whose header comes last."""
    whole = write_video(path)
    whole.write_bytes(whole.read_bytes()[: packets(whole)[20][0]])
    return whole


def damaged(path: Path) -> Path:
    """A file with a packet of noise."""
    whole = write_video(path)
    content = bytearray(whole.read_bytes())
    place, size = packets(whole)[12]
    content[place : place + size] = np.random.default_rng(0).bytes(size)
    whole.write_bytes(content)
    return whole


def encrypted(path: Path) -> Path:
    key = {"encryption_key": "0123456789abcdef0123456789abcdef", "encryption_kid": "0" * 32}
    # Bit-exact: otherwise the cipher starts from a random number.
    return write_video(path, container={"encryption_scheme": "cenc-aes-ctr", "fflags": "bitexact", **key})


def text(path: Path) -> Path:
    path.write_text("this is no video\n")
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def nothing(path: Path) -> Path:
    return path


def playlist(path: Path) -> Path:
    other = write_video(path.with_name("other.mp4"))
    path.write_text(f"ffconcat version 1.0\nfile {other.name}\n")
    return path


UNREADABLE: dict[Callable[[Path], Path], str] = {
    nothing: "no such file",
    folder: "a directory",
    empty: "an empty file",
    text: "no video that decord can open|Invalid data",
    write_audio: "audio only",
    cut_short: "cut short",
    without_header: "cut short",
    damaged: "cannot be decoded|Invalid data",
    encrypted: "encrypted|cannot be decoded",
    playlist: "a list of other files",
}


@each_reader
@pytest.mark.parametrize("make", UNREADABLE, ids=lambda make: make.__name__)
def test_unreadable_files_are_one_error(reader: Reader, make: Callable[[Path], Path], tmp_path: Path) -> None:
    ending = "wav" if make is write_audio else "mp4"
    path = make(tmp_path / f"a b.{ending}")

    def read() -> None:
        with reader.open(path) as video:
            video.read(range(len(video.times)))

    with pytest.raises(DataError, match=UNREADABLE[make]) as caught:
        read()
    assert caught.value.where == f"video {path}"


@each_reader
@pytest.mark.parametrize("name", ["a: b/1.mp4", "http:1.mp4", "-i.mp4", "%03d [1].mp4"])
def test_a_name_is_no_address(
    reader: Reader, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative ones: FFmpeg takes what is before a colon for a protocol."""
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    write_video(path.absolute())
    with reader.open(path) as video:
        assert video.read([0]).shape[0] == 1


@needs_decord
def test_which_of_its_messages_decord_gives_is_chance(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Rarely its thread has ended over a bad frame when the next packet comes, and only that is told."""

    def stopped(*_: object, **__: object) -> None:
        raise RuntimeError("[13:45:56] threaded_decoder.cc:104: Check failed: run_.load() ")

    monkeypatch.setattr(decord, "VideoReader", stopped)
    path = write_video(tmp_path / "a.mp4")
    with pytest.raises(DataError, match="a frame cannot be decoded"), DecordReader().open(path):
        pass


@each_reader
def test_frames_that_are_not_there(reader: Reader, tmp_path: Path) -> None:
    with reader.open(write_video(tmp_path / "a.mp4")) as video:
        for ordinals in ([], [30], [-1]):
            with pytest.raises(DataError, match="asked for"):
                video.read(ordinals)


def test_frames_before_the_start_are_not_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", cut=5)
    with PyavReader().open(path) as video:
        assert [number_of(frame) for frame in video.read(range(len(video.times)))] == list(range(5, 30))
        assert video.times[0] == 0


@needs_decord
def test_decord_refuses_what_it_miscounts(tmp_path: Path) -> None:
    """It would return other frames than were asked for."""
    path = write_video(tmp_path / "a.mp4", cut=5)
    with pytest.raises(DataError, match="edit list") as caught, DecordReader().open(path):
        pass
    assert caught.value.hint is not None
    assert "pyav" in caught.value.hint


@needs_decord
def test_narrow_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", width=2, height=2)
    with PyavReader().open(path) as video:
        assert video.read([0]).shape == (1, 2, 2, 3)
    with DecordReader().open(path) as video, pytest.raises(DataError, match="narrow"):
        video.read([0])


def test_without_decord_the_other_reader_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    reader = DecordReader()
    for use in (lambda: reader.version, lambda: reader.open(tmp_path / "a.mp4").__enter__()):
        with pytest.raises(DataError, match="reader=pyav"):
            use()


@each_reader
def test_versions_name_the_decoder(reader: Reader) -> None:
    assert isinstance(reader, Reader)
    name, number = reader.version.split(" ")[:2]
    assert name in ("decord", "pyav")
    assert number[0].isdigit()

"""Every file of shared/data/videos goes through `prepare`: it is read, or dropped with one true reason."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared_files import shared
from tcmgc.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

AUDIO = "no video stream: audio only"
DROPPED = {
    "gomp4_sample_init.encv.mp4": "an encrypted video stream (ISO common encryption)",
    "moviepy_crunching.mp3": AUDIO,
    "moviepy_result_zero_bytes.webm": "an empty file, 0 bytes",
    "mp4ff_av1_init.mp4": "no frame: a header only",
    "mp4ff_bbb5s_aac_sidx.mp4": AUDIO,
    "mp4ff_init.mp4": "no frame: a header only",
    "mp4ff_init_truncated.mp4": "cut short: 100 of the 715 bytes that its header declares",
    "mp4parse_afconvert-aac-0.5s.mp4": AUDIO,
    "mp4parse_amr_nb_1f.3gp": AUDIO,
    "mp4parse_invalid_userdata.mp4": "0 of the 5544 frames that its header declares: cut short or damaged",
    "mp4parse_zero_empty_stsc.mp4": "2 of the 1040 frames that its header declares: cut short or damaged",
    "phpffmpeg_WrongFile.mp4": "no video that FFmpeg can open: Invalid data found when processing input",
    "streamio_empty.flv": "no video that FFmpeg can open: Invalid data found when processing input",
    "torchcodec_nasa_13013.mp4.audio.mp3": AUDIO,
    "torchcodec_sine_mono_s16.wav": AUDIO,
}
ONLY_PYAV = {
    "moviepy_-video-with-dash-.mp4",  # 1 x 1 pixel: decord pads the rows
    "mp4ff_vvc_400kbps_2s.mp4",
    "mp4parse_tiny_av1.mp4",
    "mp4parser_count.h264",  # no duration in the header
    "streamio_weird_aspect.small.mpg",  # its last frames are damaged, and decord fills them in
    "torchcodec_av1_video.mkv",
}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `folder` data set of test rows only, as a table beside."""
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "videos.csv"
    with path.open("w", newline="") as file:
        rows = [[each.name, f"the file {each.name}", "test"] for each in sorted(shared("videos").iterdir())]
        csv.writer(file).writerows([["video", "caption", "split"], *rows])
    return path


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["pyav", "decord-else-pyav"])
def test_each_is_read_or_dropped_with_its_reason(
    table: Path, capsys: pytest.CaptureFixture[str], reader: str
) -> None:
    videos = shared("videos")
    if reader != "pyav":
        pytest.importorskip("decord")
    arguments = [
        "folder",
        "--root",
        str(videos),
        f"table={table}",
        "missing=drop",
        "--set",
        f"reader={reader}",
    ]
    main(["data", "prepare", *arguments, "--time-limit", "60"])
    said = capsys.readouterr().out
    assert "test     55 of 70          55      355.8       283" in said
    assert "- test: 15 clips are left out: gomp4_sample_init.encv.mp4: an encrypted" in said
    (folder,) = (path for path in (table.parent / "cache" / "frames").iterdir() if path.name[0] != ".")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {clip["id"]: clip["reason"] for clip in manifest["unreadable"]} == DROPPED
    read = {clip["id"]: clip["reader"].partition(" ")[0] for clip in manifest["clips"]}
    assert len(read) == 55
    if reader == "decord-else-pyav":
        assert {name for name, by in read.items() if by == "pyav"} == ONLY_PYAV
    pixels = np.load(folder / "frames.npy", mmap_mode="r")
    times = np.load(folder / "times.npy")
    for row, name in enumerate(read):
        frames = pixels[row][~np.isnan(times[row])].astype(int)
        assert roughness(frames) < 30, f"{name} looks like noise"


def roughness(frames: np.ndarray) -> float:
    """Mean difference of pixels side by side: 85 for noise, up to 12 for these pictures."""
    return float(np.abs(np.diff(frames, axis=2)).mean())


@pytest.mark.slow
def test_check_says_the_same_and_writes_what_is_missing(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["folder", "--root", str(shared("videos")), f"table={table}"]
    with table.open("a") as file:
        file.write("gone.mp4,it is not there,test\n-with dots.and blanks.mp4,nor this,test\n")
    missing = table.with_name("missing.csv")
    assert main(["data", "check", *given, "--json", "--missing", str(missing)]) == 1
    told = json.loads(capsys.readouterr().out)["splits"]["test"]
    assert (told["clips_expected"], told["clips_found"]) == (72, 55)
    assert (told["captions_expected"], told["captions_found"]) == (72, 55)
    assert told["without_video"] == ["gone.mp4", "-with dots.and blanks.mp4"]
    assert told["unreadable"] == DROPPED
    with missing.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["split", "id", "problem"]
    assert rows[1:3] == [
        ["test", "gone.mp4", "no video file"],
        ["test", "-with dots.and blanks.mp4", "no video file"],
    ]
    assert {row[1]: row[2] for row in rows[3:]} == {
        clip: f"unreadable: {reason}" for clip, reason in DROPPED.items()
    }

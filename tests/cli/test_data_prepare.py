"""``tcmgc data prepare`` and ``check`` on miniatures: what is decoded, what is missing, what is dropped."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING

import pytest

from frame_cases import folders, unfinished
from tcmgc.cli.data_setup import from_here, how_decoded
from tcmgc.cli.main import main
from tcmgc.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

VIDEOS = "MSRVTT_Videos"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path, cache: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A miniature of MSR-VTT in a folder whose name is no plain YAML."""
    folder = tmp_path / "a: {b} null"
    main(["data", "mock", "msr-vtt", "--videos", "12", "--root", str(folder)])
    capsys.readouterr()
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object, status: int | None = None) -> str:
    assert main(["data", *map(str, arguments)]) == status
    return capsys.readouterr().out


def fails(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["data", *map(str, arguments)])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.count("error: ") == 1
    return said


def ids_of_test(root: Path) -> list[str]:
    with next(root.rglob("MSRVTT_JSFUSION_test.csv")).open(newline="") as file:
        return [row["video_id"] for row in csv.DictReader(file)]


def test_all_splits_are_decoded_by_the_data_sets_protocol(
    capsys: pytest.CaptureFixture[str], root: Path, cache: Path
) -> None:
    said = run(capsys, "prepare", "msr-vtt", "--root", root)
    assert re.search(r"^test +3 +3 +[\d.]+ +\d+ +5\.4 ", said, re.MULTILINE)  # 3 x 12 x 224 x 224 x 3 bytes
    assert len(folders(cache)) == 3
    before = {path: (path / "manifest.json").read_bytes() for path in folders(cache)}
    assert run(capsys, "prepare", "msr-vtt", f"root='{root}'") == said
    assert {path: (path / "manifest.json").read_bytes() for path in folders(cache)} == before
    given = ["sampler.frames=4", "reader=pyav", "--set", "reader.threads=1"]
    run(capsys, "prepare", "msr-vtt", "--root", root, *given, "--workers", 2)
    assert len(folders(cache)) == 6


def test_what_cannot_be_read_fails_or_is_dropped(
    capsys: pytest.CaptureFixture[str], root: Path, cache: Path
) -> None:
    ids = ids_of_test(root)
    (root / VIDEOS / f"{ids[0]}.mp4").write_text("no video")
    (root / VIDEOS / f"{ids[1]}.mp4").unlink()
    said = fails(capsys, "prepare", "msr-vtt", "--root", root)
    assert "missing: videos of 1 of 3 test clips" in said
    said = run(capsys, "prepare", "msr-vtt", "--root", root, "dataset.missing=drop")
    assert "- test: 2 clips are left out: " in said
    assert f"{ids[0]}: no video that FFmpeg can open" in said
    assert f"{ids[1]}: no video file" in said
    assert re.search(r"^test +1 of 3 +1 ", said, re.MULTILINE)
    assert re.search(r"^train +\d+ +\d+ ", said, re.MULTILINE)
    said = run(capsys, "check", "msr-vtt", "--root", root, "--decode", "--json", status=1)
    told = json.loads(said)["splits"]["test"]
    assert told["without_video"] == [ids[1]]
    assert list(told["unreadable"]) == [ids[0]]
    assert told["seconds"] > 1
    assert (told["clips_expected"], told["clips_found"], told["captions_found"]) == (3, 1, 1)
    assert json.loads(said)["splits"]["train"]["clips_found"] == 7
    assert len(folders(cache)) == 3


def test_unreadable_clips_of_all_splits_are_one_error(
    capsys: pytest.CaptureFixture[str], root: Path, cache: Path
) -> None:
    first = ids_of_test(root)[0]
    others = [path for path in sorted((root / VIDEOS).iterdir()) if path.stem not in ids_of_test(root)]
    for path in (root / VIDEOS / f"{first}.mp4", others[0]):
        path.write_text("no video")
    said = fails(capsys, "prepare", "msr-vtt", "--root", root)
    assert "2 of 12 clips are unreadable" in said
    assert "hint:     dataset.missing=drop leaves out what cannot be read" in said
    assert len(unfinished(cache)) == 2
    assert len(folders(cache)) == 1


def test_check_of_what_is_whole(capsys: pytest.CaptureFixture[str], root: Path, cache: Path) -> None:
    said = run(capsys, "check", "msr-vtt", "--root", root)
    assert re.search(r"^test +3 of 3 +3 of 3 +0 +0 +0 +[\d.]+$", said, re.MULTILINE)
    assert not cache.exists() or not list(cache.glob("frames/*"))  # nothing is decoded


def test_a_folder_of_test_rows_only(capsys: pytest.CaptureFixture[str], root: Path, cache: Path) -> None:
    names = [path.name for path in sorted((root / VIDEOS).iterdir())[:2]]
    (root / "t.csv").write_text("video,caption,split\n" + "".join(f"{name},one,test\n" for name in names))
    said = run(capsys, "prepare", "folder", "--root", root / VIDEOS, f"table='{root / 't.csv'}'")
    assert "train" not in said
    assert re.search(r"^test +2 +2 ", said, re.MULTILINE)
    assert len(folders(cache)) == 1


def test_which_protocol_says_how() -> None:
    how = how_decoded("didemo", None, ["sampler.frames=8"])
    assert how is not None
    assert (how.protocol, how.sampler.frames, how.image_size) == ("didemo", 8, 224)
    assert how_decoded("nothing-of-that-name", None, []) is None
    with pytest.raises(ConfigError, match="one of reader, sampler, encoder"):
        how_decoded("didemo", None, ["training.epochs=3"])


def test_progress_counts_what_is_left() -> None:
    told: list[tuple[int, int]] = []
    advance = from_here(lambda done, total: told.append((done, total)))
    for done in (91, 92, 100):
        advance(done, 100)
    assert told == [(1, 10), (2, 10), (10, 10)]


@pytest.mark.parametrize("model", ["StoryShapes-ViT", "ViT-B-32-quickgelu"])
def test_the_size_that_a_config_tells_is_the_models(model: str) -> None:
    from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

    assert OpenClip.image_size_of({"model": model}) == OpenClip(model=model, pretrained=None).image_size


def test_missing_files_are_told_before_weights_are_looked_for(
    capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path
) -> None:
    given = ["--protocol", "msrvtt-1ka", "encoder.pretrained=no-such-weights", "--out", tmp_path / "runs"]
    for more, found in (
        ([], "no root"),
        ([f"dataset.root={tmp_path / 'nowhere'}"], "no such folder"),
        ([f"dataset.root='{root}'"], "no-such-weights"),
    ):
        with pytest.raises(SystemExit):
            main(["run", "tcmgc", *map(str, [*given, *more])])
        assert found in capsys.readouterr().err


def test_a_run_tells_what_was_dropped(capsys: pytest.CaptureFixture[str], root: Path, tmp_path: Path) -> None:
    (root / VIDEOS / f"{ids_of_test(root)[0]}.mp4").write_text("no video")
    given = ["dataset.name=msr-vtt", "dataset.missing=drop", f"dataset.root='{root}'"]
    main(["run", "clip-zero-shot", *given, "--out", str(tmp_path / "runs")])
    capsys.readouterr()
    (record,) = (tmp_path / "runs" / "runs").glob("*/record.json")
    fields = json.loads(record.read_text())["fingerprint_fields"]
    assert (fields["clips_found"], fields["clips_expected"], fields["captions"]) == (2, 3, 2)
    (board,) = (tmp_path / "runs").rglob("leaderboard.md")
    assert "2 of 3" in board.read_text()


def test_a_link_out_of_the_root_is_told(
    capsys: pytest.CaptureFixture[str], root: Path, cache: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "elsewhere.mp4"
    video = root / VIDEOS / f"{ids_of_test(root)[0]}.mp4"
    video.rename(outside)
    video.symlink_to(outside)
    said = run(capsys, "check", "msr-vtt", "--root", root, status=1)
    assert f"test {video.stem}: a link that is not followed" in said
    said = run(capsys, "prepare", "msr-vtt", "--root", root, "missing=drop")
    assert f"{video.stem}: a link that is not followed" in said
    run(capsys, "check", "msr-vtt", "--root", root, "follow_links=true")

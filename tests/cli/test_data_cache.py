"""``tcmgc data cache``: what it lists, what it verifies, and what it removes and leaves."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import pytest

from frame_cases import folders, load, unfinished
from source_edits import edit
from tcmgc.cli.main import main
from tcmgc.data.frame_work import lock_of
from tcmgc.errors import DataError
from video_files import VideoFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def videos(tmp_path: Path, cache: Path) -> VideoFolder:
    dataset = VideoFolder(tmp_path / "videos", frames=10)
    dataset.prepare()
    return dataset


def run(capsys: pytest.CaptureFixture[str], *arguments: object, status: int | None = None) -> str:
    assert main(["data", "cache", *map(str, arguments)]) == status
    return capsys.readouterr().out


def test_list(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    assert run(capsys) == ""
    for kind in ("frames", "features", "other"):
        (cache / kind / "entry").mkdir(parents=True)
        (cache / kind / "entry" / "file").write_bytes(bytes(3_000_000))
    (cache / "frames" / "link").symlink_to(cache / "features" / "entry")
    said = run(capsys)
    assert re.search(r"^frames +decoded frames of splits +2 +3\.0 +/", said, re.MULTILINE)
    assert "other" not in said
    assert "features" not in run(capsys, "ls", "frames")
    assert re.search(r"^frames +entry +3\.0 +\d{4}-\d\d-\d\d", run(capsys, "ls", "--entries"), re.MULTILINE)


def test_prune_all_of_a_kind(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    for kind in ("frames", "features", "other"):
        (cache / kind / "entry").mkdir(parents=True)
        (cache / kind / "entry" / "file").write_bytes(bytes(3_000_000))
    (cache / "frames" / "link").symlink_to(cache / "features" / "entry")
    assert "would be removed: 3.0 MB" in run(capsys, "prune", "frames", "--all", "--dry-run")
    assert (cache / "frames" / "entry").exists()
    assert "removed: 3.0 MB" in run(capsys, "prune", "frames", "--all")
    assert not folders(cache)
    assert (cache / "features" / "entry" / "file").exists()  # the link was removed, not followed
    run(capsys, "prune", "--all")
    assert (cache / "other" / "entry").exists()  # not ours
    assert not (cache / "features" / "entry").exists()


def test_prune_by_age_and_size(capsys: pytest.CaptureFixture[str], cache: Path, videos: VideoFolder) -> None:
    load(videos, frames=4)
    (old,) = folders(cache)
    load(videos, frames=9)
    (new,) = set(folders(cache)) - {old}
    past = time.time() - 10 * 24 * 3600
    for folder in (old, new):
        os.utime(folder / "manifest.json", (past, past))
    load(videos, frames=9)  # is used now
    assert old.name in run(capsys, "prune", "--older-than", 9, "--dry-run")
    assert new.name not in run(capsys, "prune", "--older-than", 9, "--dry-run")
    assert old.name not in run(capsys, "prune", "--older-than", 11, "--dry-run")
    size = sum(path.stat().st_size for path in new.iterdir())
    run(capsys, "prune", "--keep", (size + 1) / 1e9)
    assert folders(cache) == [new]


def test_prune_what_no_reader_gives_any_more(
    capsys: pytest.CaptureFixture[str], cache: Path, videos: VideoFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(videos)
    assert run(capsys, "prune", "--unused") == "removed: 0.0 MB\n"
    edit("tcmgc_plugins.samplers.uniform", monkeypatch)
    run(capsys, "prune", "--unused")
    assert not folders(cache)


def test_unfinished_frames_are_pruned_unless_they_are_worked_on(
    capsys: pytest.CaptureFixture[str], cache: Path, videos: VideoFolder
) -> None:
    load(videos, frames=4)
    (videos.folder / "1.mp4").write_text("no video")
    with pytest.raises(DataError):
        load(videos)
    (left,) = unfinished(cache)
    assert "unfinished" in run(capsys, "ls", "--entries")
    with lock_of(left.with_name(left.name.removeprefix(".work-"))):
        assert "removed: 0.0 MB" in run(capsys, "prune", "--unfinished")
    assert left.exists()
    run(capsys, "prune", "--unfinished")
    assert not unfinished(cache)
    assert len(folders(cache)) == 1


def test_verify_reads_every_byte(
    capsys: pytest.CaptureFixture[str], cache: Path, videos: VideoFolder
) -> None:
    load(videos)
    load(videos, frames=4)
    assert run(capsys, "verify") == "frames: 2 folders are whole, 0 are damaged\n"
    path = folders(cache)[0] / "frames.npy"
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    said = run(capsys, "verify", status=1)
    assert f"- {path.parent}: other frames of clip" in said
    assert said.endswith("frames: 1 folders are whole, 1 are damaged\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ls", "frame"], "did you mean 'frames'?"),
        (["prune"], "--older-than, --keep, --unused, --unfinished or --all"),
        (["prune", "--keep", "much"], "'much' is not a valid float"),
    ],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], cache: Path, arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["data", "cache", *arguments])
    assert stop.value.code == 2
    assert said in capsys.readouterr().err

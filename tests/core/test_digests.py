"""Digests of files that are kept: one counts for the file that was read, and for no other."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tcmgc.data import digests, file_hash
from tcmgc.data.file_hash import files_sha256, hash_file

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two of the same name in two folders, and one beside."""
    paths = [tmp_path / "a" / "1.mp4", tmp_path / "b" / "1.mp4", tmp_path / "b" / "2.mp4"]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes([number]) * 100)
    return paths


@pytest.fixture
def read(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which files are read; their times count at once."""
    monkeypatch.setattr(digests, "SETTLED", -1)
    seen: list[str] = []

    def hashed(path: Path) -> tuple[str, os.stat_result | None]:
        seen.append(f"{path.parent.name}/{path.name}")
        return hash_file(path)

    monkeypatch.setattr(file_hash, "hash_file", hashed)
    return seen


def truth(files: list[Path]) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


def test_the_second_time_nothing_is_read(
    files: list[Path], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files_sha256(files) == truth(files)
    assert sorted(read) == ["a/1.mp4", "b/1.mp4", "b/2.mp4"]
    read.clear()
    monkeypatch.chdir(files[0].parent)
    assert files_sha256([Path("1.mp4"), *files[1:]]) == truth(files)
    assert read == []


def rewrite(path: Path) -> None:
    path.write_bytes(b"x" * 100)


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"x" * 100)
    other.replace(path)


def through_a_link(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"x" * 100)
    path.unlink()
    path.symlink_to(other)


@pytest.mark.parametrize("change", [rewrite, replace, through_a_link])
def test_another_file_of_the_same_size_and_time_is_read(
    files: list[Path], read: list[str], change: Callable[[Path], None]
) -> None:
    files_sha256(files)
    read.clear()
    before = files[1].stat()
    change(files[1])
    os.utime(files[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    assert files_sha256(files) == truth(files)
    assert read == ["b/1.mp4"]


def test_what_changed_just_now_is_not_kept(
    files: list[Path], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of a file system may be too coarse to tell the next change from this one."""
    monkeypatch.setattr(digests, "SETTLED", 3600 * 10**9)
    files_sha256(files)
    read.clear()
    files_sha256(files)
    assert len(read) == 3


def test_a_file_that_grows_while_it_is_read_is_not_kept(
    files: list[Path], read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.file_digest

    def grows(file: object, name: str) -> object:
        found = digest(file, name)  # type: ignore[type-var]
        with files[0].open("ab") as more:
            more.write(b"x")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(file_hash.hashlib, "file_digest", grows)
        files_sha256(files[:1])
    read.clear()
    assert files_sha256(files[:1]) == truth(files[:1])
    assert read == ["a/1.mp4"]


def digest_file(cache: Path, folder: Path) -> Path:
    (found,) = (
        path for path in (cache / "digests").iterdir() if json.loads(path.read_text())["of"] == str(folder)
    )
    return found


DAMAGE: dict[str, Callable[[dict[str, object]], str]] = {
    "cut": lambda content: json.dumps(content)[:-9],
    "a list": lambda _: "[]",
    "another version": lambda content: json.dumps({**content, "schema_version": 2}),
    "of another folder": lambda content: json.dumps({**content, "of": "/elsewhere"}),
    "no digests": lambda content: json.dumps({**content, "files": {"1.mp4": [1, 2, 3, 4, "5"]}}),
    "numbers as digests": lambda content: json.dumps({**content, "files": {"1.mp4": 3}}),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_digests_do_not_count(files: list[Path], read: list[str], cache: Path, damage: str) -> None:
    files_sha256(files)
    kept = digest_file(cache, files[0].parent)
    kept.write_text(DAMAGE[damage](json.loads(kept.read_text())))
    read.clear()
    assert files_sha256(files) == truth(files)
    assert read == ["a/1.mp4"]
    read.clear()
    files_sha256(files)
    assert read == []


def test_files_that_are_gone_are_forgotten(files: list[Path], read: list[str], cache: Path) -> None:
    files_sha256(files)
    files[1].unlink()
    files[2].write_bytes(b"other")
    assert files_sha256(files) == [truth(files[:1])[0], None, truth(files[2:])[0]]
    assert list(json.loads(digest_file(cache, files[1].parent).read_text())["files"]) == ["2.mp4"]


def test_a_cache_that_cannot_be_written(
    files: list[Path], read: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "file"))
    assert files_sha256(files) == truth(files)
    assert files_sha256(files) == truth(files)
    assert len(read) == 6

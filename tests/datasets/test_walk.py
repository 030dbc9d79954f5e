"""Files below a folder: nested, linked, and never out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made_videos import touch
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.annotated.walk import walk

if TYPE_CHECKING:
    from pathlib import Path


def names(folder: Path, *, follow_links: bool = False) -> list[str]:
    return [str(path.relative_to(folder)) for path in walk(folder, "root", follow_links=follow_links).files]


def test_nested_files_are_found_and_hidden_folders_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "b/c/2.mp4", "1.mp4", ".git/3.mp4", "b/- 4.mp4")
    assert names(tmp_path) == ["1.mp4", "b/- 4.mp4", "b/c/2.mp4"]


def test_links_inside_are_followed_and_not_walked_twice(tmp_path: Path) -> None:
    touch(tmp_path, "store/x1", "videos/2.mp4")
    (tmp_path / "videos" / "1.mp4").symlink_to(tmp_path / "store" / "x1")
    (tmp_path / "again").symlink_to(tmp_path / "videos")
    (tmp_path / "videos" / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["store/x1", "videos/1.mp4", "videos/2.mp4"]
    assert names(tmp_path, follow_links=True) == names(tmp_path)


def test_links_out_of_the_folder_are_refused_unless_wanted(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside", "1.mp4", "deep/2.mp4")
    (outside / "back").symlink_to(outside)
    root = touch(tmp_path / "root", "0.mp4")
    (root / "1.mp4").symlink_to(outside / "1.mp4")
    (root / "all").symlink_to(outside)
    found = walk(root, "root", follow_links=False)
    assert names(root) == ["0.mp4"]
    assert {path.name for path in found.refused} == {"1.mp4", "all"}
    assert all(why == f"a link out of the folder, to {path.resolve()}" for path, why in found.refused.items())
    assert names(root, follow_links=True) == ["0.mp4", "1.mp4", "all/1.mp4", "all/deep/2.mp4"]


def test_a_folder_that_is_a_link_is_walked(tmp_path: Path) -> None:
    touch(tmp_path / "real", "1.mp4")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert names(tmp_path / "root") == ["1.mp4"]


def test_broken_links_and_loops_are_told(tmp_path: Path) -> None:
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    found = walk(tmp_path, "root", follow_links=True)
    assert not found.files
    assert "which is not there" in found.refused[tmp_path / "gone.mp4"]
    assert {path.name for path in found.refused} == {"gone.mp4", "a", "b"}


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "file")
    with pytest.raises(DataError, match="no such folder"):
        walk(tmp_path / "nothing", "root", follow_links=False)
    with pytest.raises(DataError, match="found:    a file"):
        walk(tmp_path / "file", "root", follow_links=False)

"""Folders of videos and of a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from video_files import VideoFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def videos(tmp_path: Path, cache: Path) -> VideoFolder:
    """Three clips, of 10, 9 and 8 frames."""
    dataset = VideoFolder(tmp_path / "videos", frames=10)
    dataset.prepare()
    return dataset

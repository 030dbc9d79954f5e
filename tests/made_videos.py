"""Folders of small made files for the tests of data sets: what is a video is not looked into there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def touch(folder: Path, *names: str) -> Path:
    """Make files that stand for videos."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video")
    return folder


def write(folder: Path, files: dict[str, Any]) -> Path:
    """Write annotation files: texts as they are, bytes as they are, anything else as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def listed(*items: str) -> str:
    """A list, one item a line."""
    return "".join(f"{item}\n" for item in items)

"""Edits of the source of modules, without touching files that other tests and processes read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc import source_hash

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def edit(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module's file have been another one when the process imported it, and have it now too."""
    edited = source_hash._file(module)
    assert edited is not None, module
    read = source_hash._file_sha256

    def other(path: Path, stamp: source_hash.Stamp) -> bytes:
        digest = read(path, stamp)
        return digest[::-1] if path == edited else digest

    monkeypatch.setattr(source_hash, "_file_sha256", other)
    monkeypatch.setattr(source_hash, "_remembered", {})

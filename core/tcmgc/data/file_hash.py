"""Hashes of many files at once."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .decode_pool import cores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def files_sha256(paths: Sequence[Path]) -> list[str | None]:
    """Return the SHA-256 of files, on all cores; None for one that cannot be read, as its reader will say."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(_sha256, paths))


def _sha256(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None

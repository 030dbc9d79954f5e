"""Hashes of many files at once."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .decode_pool import cores
from .digests import FolderDigests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def files_sha256(paths: Sequence[Path]) -> list[str | None]:
    """Return the SHA-256 of files, those that changed hashed on all cores.

    Parameters
    ----------
    paths
        Digests of files that are as they were are taken from the cache: `tcmgc.data.digests`.

    Returns
    -------
    list
        None for a file that cannot be read, as its reader will say.
    """
    whole = [path.absolute() for path in paths]
    known = {folder: FolderDigests(folder) for folder in dict.fromkeys(path.parent for path in whole)}
    with ThreadPoolExecutor(cores()) as pool:
        found = list(pool.map(lambda path: _sha256(path, known[path.parent]), whole))
    for digests in known.values():
        digests.save()
    return found


def hash_file(path: Path) -> tuple[str, os.stat_result | None]:
    """Read a file: its SHA-256, and its status where it did not change meanwhile.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    with path.open("rb") as file:
        before = os.fstat(file.fileno())
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        after = os.fstat(file.fileno())
    unchanged = (before.st_size, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
    return sha256, before if unchanged else None


def _sha256(path: Path, digests: FolderDigests) -> str | None:
    try:
        if (known := digests.find(path.name, path.stat())) is not None:
            return known
        sha256, status = hash_file(path)
    except OSError:
        return None
    if status is not None:
        digests.add(path.name, status, sha256)
    return sha256

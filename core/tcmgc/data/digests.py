"""Digests of files that were hashed before, so that a start does not read every video again.

One JSON file a folder of videos, in the cache. A digest counts while the file's size, inode and times of
change are what they were when it was hashed: a file that was replaced gets other ones, even by a copy that
keeps the time of its original. Several processes may write; what one of them loses is hashed again.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tcmgc.files.disk import write_text

from .cache_folder import cache_folder

if TYPE_CHECKING:
    import os
    from pathlib import Path

SCHEMA_VERSION = 1
SETTLED = 2_000_000_000
"""Nanoseconds after its last change from which a file's times tell every later change: clocks of file
systems are that coarse."""

Stamp = tuple[int, int, int, int]


class FolderDigests:
    """What is known of the files of a folder.

    Parameters
    ----------
    folder
        Absolute.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        name = hashlib.sha256(str(folder).encode(errors="surrogateescape")).hexdigest()[:32]
        self._path = cache_folder() / "digests" / f"{name}.json"
        self._known = self._read()
        self._new: dict[str, list[Any]] = {}

    def find(self, name: str, status: os.stat_result) -> str | None:
        """Return the SHA-256 of a file that is as it was; None for others.

        Parameters
        ----------
        name, status
            Of the file.
        """
        known = self._known.get(name)
        return known[-1] if known is not None and tuple(known[:-1]) == _stamp(status) else None

    def add(self, name: str, status: os.stat_result, sha256: str) -> None:
        """Remember a digest, unless the file was changed too lately to see that it is changed again.

        Parameters
        ----------
        name, status, sha256
            Of the file, while it was read.
        """
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
            self._new[name] = [*_stamp(status), sha256]

    def save(self) -> None:
        """Write what is new; files that are gone are forgotten, and a full disk is no error."""
        if not self._new:
            return
        with suppress(OSError):
            here = {entry.name for entry in self._folder.iterdir()}
            files = {name: one for name, one in {**self._read(), **self._new}.items() if name in here}
            content = {"schema_version": SCHEMA_VERSION, "of": str(self._folder), "files": files}
            write_text(self._path, json.dumps(content) + "\n")

    def _read(self) -> dict[str, list[Any]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["schema_version"] != SCHEMA_VERSION or content["of"] != str(self._folder):
                return {}
            return {name: one for name, one in content["files"].items() if _is_entry(one)}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def _is_entry(one: object) -> bool:
    return (
        isinstance(one, list)
        and len(one) == 5
        and all(isinstance(number, int) for number in one[:-1])
        and isinstance(one[-1], str)
        and len(one[-1]) == 64
    )

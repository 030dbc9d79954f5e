"""What lies in the cache folder, entry by entry: how large, when it was used, and how it is removed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import Timeout

from tcmgc.errors import ConfigError, nearest

from .cache_folder import KINDS, cache_folder
from .frame_cache import MANIFEST, remove_folder
from .frame_work import JOURNAL, WORK, lock_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class CacheEntry:
    """A file or folder of a kind.

    Parameters
    ----------
    kind
        One of `tcmgc.data.cache_folder.KINDS`.
    path
        Where it is.
    size
        Bytes on disk below it.
    used
        When it was made, or of frames when they were last used; in seconds since 1970.
    """

    kind: str
    path: Path
    size: int
    used: float

    @property
    def finished(self) -> bool:
        """Whether it is complete; the frames of a killed process are not, until it is started again."""
        return not self.path.name.startswith(WORK)


def cache_entries(kinds: Iterable[str] = ()) -> list[CacheEntry]:
    """List what is cached, of all kinds or of those named, the least recently used first.

    Raises
    ------
    ConfigError
        When a name is no kind.
    """
    wanted = list(kinds)
    for name in wanted:
        if name not in KINDS:
            raise ConfigError(
                f"kind {name!r}",
                found="nothing of that name is cached",
                expected=f"one of {', '.join(KINDS)}",
                hint=nearest(name, KINDS),
            )
    found = []
    for kind in wanted or KINDS:
        folder = cache_folder() / kind
        for path in folder.iterdir() if folder.is_dir() else ():
            if not path.name.startswith(".") or path.name.startswith(WORK):
                found.append(CacheEntry(kind, path, _size(path), _used(path)))
    return sorted(found, key=lambda entry: (entry.used, entry.path))


def remove_entry(entry: CacheEntry) -> bool:
    """Remove an entry; a link is removed, not followed.

    Returns
    -------
    bool
        False where it stays, since a process is at work on it.
    """
    path = entry.path
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
    elif entry.kind == "frames":
        lock = lock_of(path.with_name(path.name.removeprefix(WORK)))
        try:
            with lock.acquire(blocking=False):
                remove_folder(path)
        except Timeout:
            return False
    else:
        shutil.rmtree(path)
    return True


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() and not path.is_symlink() else [path]
    return sum(file.lstat().st_size for file in files if file.is_symlink() or file.is_file())


def _used(path: Path) -> float:
    for name in (MANIFEST, JOURNAL):
        if (path / name).is_file():
            return (path / name).stat().st_mtime
    return path.lstat().st_mtime

"""Where files go that can be made again."""

from __future__ import annotations

import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

CACHE = "TCMGC_CACHE"
"""Environment variable: the folder to use instead of the user's cache folder."""

KINDS = {
    "datasets": "videos of generated data sets",
    "frames": "decoded frames of splits",
    "features": "features of frozen encoders",
    "weights": "unpacked weights of encoders",
    "compiled": "compiled scoring",
}
"""What lies in the cache folder, a folder each; nothing else in it is ever removed."""


def cache_folder() -> Path:
    """Return the folder: ``$TCMGC_CACHE``, or tcmgc's in the user's cache; it may not exist yet."""
    if given := os.environ.get(CACHE):
        return Path(given).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("tcmgc", appauthor=False)


class CacheWarning(UserWarning):
    """What is computed cannot be kept in the cache folder."""


def warn_unkept(kind: str, reason: str) -> None:
    """Say that what should go into the cache is used from memory.

    Parameters
    ----------
    kind
        One of `KINDS`.
    reason
        What is wrong with its folder, as ``cannot be written: No space left on device``.

    Warns
    -----
    CacheWarning
        Always with the same words and from the same place, so that several splits are one warning.
    """
    warnings.warn(
        f"cache {cache_folder() / kind} {reason}; {kind} are kept in memory, and made again "
        f"next time; {CACHE}=DIR names another cache",
        CacheWarning,
        stacklevel=1,
    )


@dataclass(frozen=True)
class CachedKind:
    """What is cached of one kind.

    Parameters
    ----------
    name, what
        One of `KINDS`.
    path
        Its folder.
    entries
        Files and folders directly in it, unfinished ones left out.
    size
        Bytes on disk below it.
    """

    name: str
    what: str
    path: Path
    entries: int
    size: int


def cached_kinds(names: Iterable[str] = ()) -> list[CachedKind]:
    """List what is cached, of all kinds or of those named.

    Raises
    ------
    ConfigError
        When a name is no kind.
    """
    wanted = list(names)
    for name in wanted:
        if name not in KINDS:
            raise ConfigError(
                f"kind {name!r}",
                found="nothing of that name is cached",
                expected=f"one of {', '.join(KINDS)}",
                hint=nearest(name, KINDS),
            )
    found = []
    for name, what in KINDS.items():
        path = cache_folder() / name
        if path.is_dir() and (not wanted or name in wanted):
            entries = sum(not entry.name.startswith(".") for entry in path.iterdir())
            size = sum(file.lstat().st_size for file in path.rglob("*") if file.is_file())
            found.append(CachedKind(name, what, path, entries, size))
    return found


def clear_kind(kind: CachedKind) -> None:
    """Remove all that is cached of a kind; links are removed, not followed."""
    for entry in kind.path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()

"""Where files go that can be made again."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

CACHE = "TCMGC_CACHE"
"""Environment variable: the folder to use instead of the user's cache folder."""

KINDS = {
    "digests": "SHA-256 of video files",
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

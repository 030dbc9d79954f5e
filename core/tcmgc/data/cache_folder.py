"""Where files go that can be made again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE = "TCMGC_CACHE"
"""Environment variable: the folder to use instead of the user's cache folder."""

KINDS = {
    "datasets": "videos of generated data sets",
    "frames": "decoded frames of splits",
    "features": "features of frozen encoders",
    "weights": "unpacked weights of encoders",
}
"""What lies in the cache folder, a folder each; nothing else in it is ever removed."""


def cache_folder() -> Path:
    """Return the folder: ``$TCMGC_CACHE``, or tcmgc's in the user's cache; it may not exist yet."""
    if given := os.environ.get(CACHE):
        return Path(given).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("tcmgc", appauthor=False)

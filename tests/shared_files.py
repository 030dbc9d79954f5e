"""Real annotation files, which the licences of some keep out of the repository: they lie in shared/."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent


def shared(name: str) -> Path:
    """A folder of shared/data, in the repository or beside it; skips where there is none."""
    for base in (ROOT, ROOT.parent):
        if (folder := base / "shared" / "data" / name).is_dir():
            return folder
    pytest.skip(
        f"no shared/data/{name} in the repository or beside it: real annotation files are not part of it"
    )


def copied(name: str, files: Mapping[str, str], folder: Path) -> Path:
    """Copy files of shared/data into a folder, under the names that the data set gives them."""
    source = shared(name)
    folder.mkdir(parents=True, exist_ok=True)
    for name_there, name_here in files.items():
        shutil.copyfile(source / name_there, folder / name_here)
    return folder

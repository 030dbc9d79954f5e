"""Writing to a disk that may be full, read-only, or lose its power."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.data.cache_folder import CACHE, cache_folder
from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnwritableError(DataError):
    """Something cannot be written where it should go."""


def unwritable(what: str, path: Path, reason: str) -> UnwritableError:
    """Make the error of a path that cannot be written.

    Parameters
    ----------
    what
        What errors call it, as ``weights``.
    path
        Where it should go.
    reason
        What the system says.
    """
    cached = path.is_relative_to(cache_folder())
    return UnwritableError(
        f"{what} {path}",
        found=f"cannot be written: {reason}",
        expected="a disk with space, and the right to write there",
        hint=f"{CACHE}=DIR names another cache; tcmgc data cache prune --keep GB makes space"
        if cached
        else "make space, or name another place with --out",
    )


@contextmanager
def writing(what: str, path: Path) -> Iterator[None]:
    """Turn what the system refuses inside of it into an `UnwritableError` of a path."""
    try:
        yield
    except OSError as error:
        raise unwritable(what, path, error.strerror or str(error)) from None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write beside ``path``, which it then replaces at once, its bytes on the disk.

    Missing folders are made. Where the writing fails, what was there stays.
    """
    path = path.resolve()  # writes through a symbolic link
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tcmgc-")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file at once or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")

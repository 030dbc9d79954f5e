"""Refusing an output path before hours are spent on its content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LONGEST_NAME = 255


def refuse_unwritable(path: Path, what: str, inputs: Iterable[Path] = ()) -> None:
    """Refuse an output path that cannot, or should not, be written.

    Parameters
    ----------
    path
        The path.
    what
        What errors call it.
    inputs
        Files that are read, which it must not overwrite.

    Raises
    ------
    DataError
        When it is no regular file, an input, lies below a file, or its folder cannot be written to.
    """
    where = f"{what} {path}"
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise DataError(where, found="a name that is too long", expected=f"at most {LONGEST_NAME} bytes")
    if path.exists() and not path.is_file():
        found = "a directory" if path.is_dir() else "a device or a pipe"
        raise DataError(where, found=found, expected="a file")
    if any(path.resolve() == given.resolve() for given in inputs):
        raise DataError(where, found="a file that is read", expected="another one")
    _refuse_unwritable_parent(path, where)


def refuse_unwritable_folder(path: Path, what: str) -> None:
    """Refuse a folder for output that cannot be made or written to.

    Raises
    ------
    DataError
        When it is a file, lies below one, or cannot be written to.
    """
    where = f"{what} {path}"
    if path.exists() and not path.is_dir():
        raise DataError(where, found="a file", expected="a folder")
    _refuse_unwritable_parent(path / "file", where)


def _refuse_unwritable_parent(path: Path, where: str) -> None:
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise DataError(where, found=f"{above} is a file", expected="a path below directories")
    if not os.access(above, os.W_OK):
        raise DataError(where, found=f"{above} cannot be written to", expected="a writable directory")

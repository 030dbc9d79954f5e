"""The files below a folder, and the links that are not followed out of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Parameters
    ----------
    folder
        As it was given.
    files
        Regular files, and links to some, sorted by path.
    refused
        Links that are not followed, each with what it is.
    """

    folder: Path
    files: tuple[Path, ...]
    refused: Mapping[Path, str]


def walk(folder: Path, what: str, *, follow_links: bool) -> Walk:
    """List the files below a folder; hidden folders are left out.

    Parameters
    ----------
    folder
        It may be a link itself.
    what
        What errors call it.
    follow_links
        Whether links that lead out of the folder are followed. Those that stay inside are not walked
        twice: a link to a folder inside leads to files that are listed already.

    Raises
    ------
    DataError
        When it is no folder, or one below it cannot be read.
    """
    if not folder.is_dir():
        found = "a file" if folder.is_file() else "no such folder"
        raise DataError(f"{what} {folder}", found=found, expected="a folder")
    files: list[Path] = []
    refused: dict[Path, str] = {}
    for path in _entries(folder, folder.resolve(), follow_links, {folder.resolve()}, refused):
        files.append(path)
    return Walk(folder, tuple(sorted(files)), refused)


def _entries(
    folder: Path, root: Path, follow_links: bool, seen: set[Path], refused: dict[Path, str]
) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"folder {folder}", found=error.strerror or str(error), expected="a folder that can be read"
        ) from None
    for entry in entries:
        path = folder / entry.name
        if entry.is_symlink():
            # Not Path.resolve, which raises where links go round in a loop.
            target = Path(os.path.realpath(path))
            inside = target.is_relative_to(root)
            if not target.exists():
                refused[path] = f"a link to {target}, which is not there"
            elif not inside and not follow_links:
                refused[path] = f"a link out of the folder, to {target}"
            elif target.is_file():
                yield path
            elif not inside and target not in seen:
                seen.add(target)
                yield from _entries(path, root, follow_links, seen, refused)
        elif entry.is_dir():
            if not entry.name.startswith("."):
                yield from _entries(path, root, follow_links, seen, refused)
        elif entry.is_file():
            yield path

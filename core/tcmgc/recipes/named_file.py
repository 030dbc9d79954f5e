"""Recipes, protocols and suites are YAML files, given by a registered name or by a path."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.registry import Origin

SUFFIXES = frozenset({".yaml", ".yml"})


def is_path(name: str | Path) -> bool:
    """Whether a file is meant, rather than a registered name."""
    return isinstance(name, Path) or Path(name).suffix in SUFFIXES or os.sep in name


def find_file(
    files: Mapping[str, tuple[Path, Origin]], kind: str, name: str | Path, where: str | None = None
) -> Path:
    """Return the file of a registered name, or the path that was given.

    Parameters
    ----------
    files
        The registered files of that kind.
    kind
        ``recipe``, ``protocol`` or ``suite``: what errors call it.
    name
        A registered name, or a path to a YAML file.
    where
        What errors call its place.

    Raises
    ------
    ConfigError
        When no file of that name is registered.
    """
    if is_path(name):
        return Path(name)
    if name in files:
        return files[str(name)][0]
    known = sorted(files)
    raise ConfigError(
        where or f"{kind} {name!r}",
        found=f"unknown {kind} {name!r}",
        expected=f"one of {', '.join(known)}, or a file *.yaml" if known else "a file *.yaml",
        hint=nearest(str(name), known),
    )


def beside(path: Path, name: str) -> str:
    """Read a name that stands in a file: a relative path is relative to that file."""
    return str(path.parent / name) if is_path(name) else name

"""A resolved recipe, for people and for programs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .resolve import dotted
from .tree import parse_yaml

if TYPE_CHECKING:
    from .load import Recipe

PLAIN = re.compile(r"[A-Za-z][\w.-]*")
TOLD_ELSEWHERE = ("variants",)


def as_yaml(recipe: Recipe) -> str:
    """Write a recipe as YAML, with the origin of every value behind it.

    What it prints can be saved and run: it is the same recipe without bases, variants and overrides.
    """
    lines: list[tuple[str, str]] = []
    for key, value in recipe.config.items():
        if key not in TOLD_ELSEWHERE:
            _write(lines, recipe, (key,), value, "")
    width = min(max(len(text) for text, origin in lines if origin), 60)
    return "\n".join(f"{text:<{width}}  # {_short(origin)}" if origin else text for text, origin in lines)


def as_json_object(recipe: Recipe) -> dict[str, Any]:
    """Return ``{schema_version, recipe, variant, protocol, sha256, config, origins}``."""
    return {
        "schema_version": 1,
        "recipe": recipe.name,
        "variant": recipe.variant,
        "protocol": recipe.protocol,
        "sha256": recipe.digest,
        "config": recipe.config,
        "origins": {dotted(path): origin for path, origin in recipe.resolved.origins.items()},
    }


def _write(
    lines: list[tuple[str, str]], recipe: Recipe, path: tuple[str | int, ...], value: object, indent: str
) -> None:
    key = f"{indent}- " if isinstance(path[-1], int) else f"{indent}{_scalar(path[-1])}:"
    if isinstance(value, dict) and value:
        lines.append((key.rstrip(), ""))
        for name, item in value.items():
            _write(lines, recipe, (*path, name), item, indent + "  ")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        lines.append((key.rstrip(), ""))
        for index, item in enumerate(value):
            _write(lines, recipe, (*path, index), item, indent + "  ")
    else:
        lines.append((f"{key.rstrip()} {_scalar(value)}", recipe.resolved.origins.get(path, "")))


def _scalar(value: object) -> str:
    """Write a scalar as YAML: text without quotes where it reads back as the same text."""
    if isinstance(value, str) and PLAIN.fullmatch(value) and parse_yaml(value, "").plain() == value:
        return value
    return json.dumps(value)


def _short(origin: str) -> str:
    """Write a path relative to the working directory, or as its last part where it is elsewhere."""
    path, colon, line = origin.partition(":")
    if os.sep not in path or path.startswith("--"):
        return origin
    inside = Path(path).resolve()
    shown = inside.relative_to(Path.cwd()) if inside.is_relative_to(Path.cwd()) else Path(inside.name)
    return f"{shown}{colon}{line}"

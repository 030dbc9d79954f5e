"""From a recipe's name or file, variant and overrides to a `Recipe`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tcmgc.errors import ConfigError, nearest

from .check import check
from .merge import merge
from .overrides import Override, apply_override, make_override, parse_override
from .resolve import Resolved, resolve
from .tree import Node, read_yaml

if TYPE_CHECKING:
    from tcmgc.registry import Registry

Overrides = Iterable[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A recipe with everything decided.

    Parameters
    ----------
    name
        The registered name, or the file's stem.
    variant
        The variant chosen, or None.
    resolved
        Its config and where each value came from.
    """

    name: str
    variant: str | None
    resolved: Resolved

    @property
    def config(self) -> dict[str, Any]:
        """Plain values, every default filled."""
        return self.resolved.config

    @property
    def digest(self) -> str:
        """SHA-256 of the config without its texts, in its order: granularities are ordered."""
        told = ("summary", "paper", "variants", "official_names")
        config = {key: value for key, value in self.config.items() if key not in told}
        return hashlib.sha256(json.dumps(config).encode()).hexdigest()


def load_recipe(
    registry: Registry, recipe: str | Path, *, variant: str | None = None, overrides: Overrides = ()
) -> Recipe:
    """Load, vary, override and check a recipe.

    Parameters
    ----------
    registry
        Where names are looked up.
    recipe
        A registered name, or a path to a YAML file.
    variant
        One of the recipe's ``variants``.
    overrides
        Strings ``dotted.path=value`` as at the command line, or a mapping of dotted paths to values;
        applied after the variant, in order.

    Raises
    ------
    ConfigError
        For the first mistake, with where it is, what was found and what was expected.
    """
    path = find_recipe(registry, recipe)
    tree = _with_bases(registry, path, ())
    for override in (*_variant(tree, variant, path), *_parse(overrides)):
        tree = apply_override(tree, override, lambda node: resolve(node, registry).config)
    resolved = resolve(tree, registry)
    check(resolved)
    return Recipe(path.stem, variant, resolved)


def find_recipe(registry: Registry, recipe: str | Path, where: str | None = None) -> Path:
    """Return a recipe's file, given its name or path."""
    path = Path(recipe)
    if isinstance(recipe, Path) or path.suffix in {".yaml", ".yml"} or os.sep in recipe:
        return path
    if recipe in registry.recipe_files:
        return registry.recipe_files[recipe][0]
    raise ConfigError(
        where or f"recipe {recipe!r}",
        found=f"unknown recipe {recipe!r}",
        expected=f"one of {', '.join(sorted(registry.recipe_files))}, or a file *.yaml",
        hint=nearest(recipe, registry.recipe_files),
    )


def _with_bases(registry: Registry, path: Path, seen: tuple[Path, ...]) -> Node:
    tree = read_yaml(path)
    chain = (*seen, path.resolve())
    base = tree.value.get("base")
    if base is None:
        return tree
    own = Node({key: node for key, node in tree.value.items() if key != "base"}, tree.origin)
    where = f"{base.origin}: base"
    if not isinstance(base.value, str):
        raise ConfigError(where, found=repr(base.plain()), expected="the name or file of a recipe")
    below = find_recipe(registry, base.value, where)
    if not below.is_absolute():  # registered ones are
        below = path.parent / below
    if below.resolve() in chain:
        raise ConfigError(
            where, found=f"{base.value!r}, which is based on this file", expected="bases without a cycle"
        )
    return merge(_with_bases(registry, below, chain), own)


def _variant(tree: Node, variant: str | None, path: Path) -> list[Override]:
    if variant is None:
        return []
    variants = tree.value.get("variants", Node({}, "")).value
    known = list(variants) if isinstance(variants, dict) else []
    if variant not in known:
        raise ConfigError(
            f"variant {variant!r} of {path}",
            found=f"unknown variant {variant!r}",
            expected=f"one of {', '.join(known)}" if known else "none: this recipe has no variants",
            hint=nearest(variant, known),
        )
    lines = variants[variant]
    if not lines.is_list or not all(isinstance(line.value, str) for line in lines.value):
        raise ConfigError(f"{lines.origin}: variants.{variant}", expected="a list of dotted.path=value")
    return [parse_override(line.value, f"{line.origin}, variant {variant}:") for line in lines.value]


def _parse(overrides: Overrides) -> list[Override]:
    if isinstance(overrides, Mapping):
        return [make_override(path, value) for path, value in overrides.items()]
    if isinstance(overrides, str):
        return [parse_override(overrides)]
    return [parse_override(text) for text in overrides]

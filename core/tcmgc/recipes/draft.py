"""A recipe while it is put together: bases, a variant, a protocol and overrides, one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tcmgc.errors import ConfigError, nearest

from .merge import merge
from .named_file import beside, find_file
from .overrides import Override, apply_override, parse_override
from .protocol import load_protocol
from .resolve import resolve
from .tree import Node, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.registry import Registry

PROTOCOL_KEYS = ("protocol", "official_protocol")
"""Keys of a recipe that name a protocol."""


@dataclass(frozen=True)
class Draft:
    """A recipe's tree, not yet checked.

    Parameters
    ----------
    registry
        Where names are looked up.
    name
        The registered name, or the file's stem.
    variant
        The variant that was applied, or None.
    protocol
        The protocol that was put over it, or None.
    tree
        All values, each with its origin.
    """

    registry: Registry
    name: str
    variant: str | None
    protocol: str | None
    tree: Node

    @classmethod
    def read(
        cls, registry: Registry, recipe: str | Path, variant: str | None = None, origin: str | None = None
    ) -> Draft:
        """Read a recipe and its bases, and apply a variant; ``origin`` is where both were written."""
        path = find_file(registry.recipe_files, "recipe", recipe, origin and f"{origin}: recipe")
        draft = cls(registry, path.stem, variant, None, _with_bases(registry, path, ()))
        for override in _variant(draft.tree, variant, path, origin):
            draft = draft.override(override)
        return draft

    @staticmethod
    def overrides_of(registry: Registry, recipe: str | Path, variant: str) -> list[Override]:
        """Return what a variant of a recipe changes."""
        path = find_file(registry.recipe_files, "recipe", recipe)
        return _variant(_with_bases(registry, path, ()), variant, path, None)

    @property
    def own_protocol(self) -> str | None:
        """The protocol that the recipe names for `tcmgc run`."""
        return self._named("protocol")

    @property
    def official_protocol(self) -> str | None:
        """The protocol that the recipe names for official checkpoints."""
        return self._named("official_protocol")

    def with_protocol(self, name: str | Path, where: str | None = None) -> Draft:
        """Put a protocol over it; the recipe's own one is then forgotten."""
        protocol = load_protocol(self.registry, name, where)
        tree = merge(self.tree, protocol.sections)
        kept = {key: node for key, node in tree.value.items() if key != "protocol"}
        return replace(self, protocol=protocol.name, tree=Node(kept, tree.origin))

    def override(self, override: Override) -> Draft:
        """Apply an override."""
        return replace(self, tree=apply_override(self.tree, override, self._resolve))

    def config(self) -> dict[str, Any]:
        """Return plain values with every default filled; references between sections are not checked."""
        return self._resolve(self.tree)

    def _named(self, key: str) -> str | None:
        node = self.tree.value.get(key)
        if node is None or node.value is None:
            return None
        if not isinstance(node.value, str):
            raise ConfigError(
                f"{node.origin}: {key}",
                found=repr(node.plain()),
                expected="the name or file of a protocol",
            )
        return node.value

    def _resolve(self, tree: Node) -> dict[str, Any]:
        return resolve(tree, self.registry).config


def _with_bases(registry: Registry, path: Path, seen: tuple[Path, ...]) -> Node:
    tree = _named_beside(read_yaml(path), path)
    chain = (*seen, path.resolve())
    base = tree.value.get("base")
    if base is None:
        return tree
    own = Node({key: node for key, node in tree.value.items() if key != "base"}, tree.origin)
    where = f"{base.origin}: base"
    if not isinstance(base.value, str):
        raise ConfigError(where, found=repr(base.plain()), expected="the name or file of a recipe")
    below = find_file(registry.recipe_files, "recipe", beside(path, base.value), where)
    if below.resolve() in chain:
        raise ConfigError(
            where, found=f"{base.value!r}, which is based on this file", expected="bases without a cycle"
        )
    return merge(_with_bases(registry, below, chain), own)


def _named_beside(tree: Node, path: Path) -> Node:
    """Read a protocol's file relative to the recipe that names it: bases lie in other folders."""
    named = {
        key: Node(beside(path, node.value), node.origin)
        for key in PROTOCOL_KEYS
        if (node := tree.value.get(key)) is not None and isinstance(node.value, str)
    }
    return Node({**tree.value, **named}, tree.origin)


def _variant(tree: Node, variant: str | None, path: Path, origin: str | None) -> list[Override]:
    if variant is None:
        return []
    variants = tree.value.get("variants", Node({}, "")).value
    known = list(variants) if isinstance(variants, dict) else []
    if variant not in known:
        raise ConfigError(
            f"{origin}: variant" if origin else f"variant {variant!r} of {path}",
            found=f"unknown variant {variant!r}",
            expected=f"one of {', '.join(known)}" if known else "none: this recipe has no variants",
            hint=nearest(variant, known),
        )
    lines = variants[variant]
    if not lines.is_list or not all(isinstance(line.value, str) for line in lines.value):
        raise ConfigError(f"{lines.origin}: variants.{variant}", expected="a list of dotted.path=value")
    return [parse_override(line.value, f"{line.origin}, variant {variant}:") for line in lines.value]

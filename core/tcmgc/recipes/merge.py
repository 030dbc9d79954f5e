"""How one config goes over another.

- A mapping goes over a mapping key by key. Where a component stands, one that changes ``name`` replaces
  the old component instead, whose other keys mean nothing to the new one.
- A name in a component's place replaces the whole mapping: ``aggregator=mean`` is
  ``aggregator={name: mean}``. A number in a loss's place is its weight.
- Everything else, lists included, replaces.
"""

from __future__ import annotations

from tcmgc.errors import ConfigError, nearest

from .tree import Node

Path = tuple[str, ...]

COMPONENT_DEPTH = {
    "dataset": 1,
    "reader": 1,
    "sampler": 1,
    "encoder": 1,
    "training": 2,
    "aggregator": 1,
    "scorer": 1,
    "normalizer": 1,
    "views": 2,
    "losses": 2,
    "stages": 3,
    "granularities": 3,
}
"""How many keys deep the components of each section stand; nested components stand deeper."""


SECTIONS_OF_ENTRIES = (("views",), ("granularities",), ("losses",))


def is_component(path: Path) -> bool:
    """Whether a component may stand at a path, rather than a section or an entry without ``name``."""
    return bool(path) and len(path) >= COMPONENT_DEPTH.get(path[0], len(path) + 1)


def merge(base: Node, over: Node, path: Path = ()) -> Node:
    """Return ``base`` with ``over`` over it, both standing at ``path``; neither is changed."""
    if not over.is_mapping:
        return over
    base = expand(base, path)
    if not base.is_mapping:
        return over
    if is_component(path) and "name" in over.value and _name(base, path) != _name(over, path):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        refuse_absent(base, key, node, path)
        merged[key] = merge(merged[key], node, (*path, key)) if key in merged else node
    return Node(merged, base.origin)


def refuse_absent(base: Node, key: str, over: Node, path: Path) -> None:
    """Refuse a null that takes an entry out of a section which has none of that name."""
    if over.value is None and path in SECTIONS_OF_ENTRIES and key not in base.value:
        raise ConfigError(
            f"{over.origin}: {path[0]}.{key}",
            found=f"null for {key!r}, which is not there to be taken out",
            expected=f"one of {', '.join(base.value)}",
            hint=nearest(key, base.value),
        )


def expand(node: Node, path: Path) -> Node:
    """Write short forms out: ``mean`` is ``{name: mean}``, a loss of ``0.5`` is ``{weight: 0.5}``."""
    if is_component(path) and isinstance(node.value, str):
        return Node({"name": node}, node.origin)
    is_number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    if is_number and path[:1] == ("losses",) and len(path) == 2:
        return Node({"weight": node}, node.origin)
    return node


def _name(node: Node, path: Path) -> object:
    name = node.value.get("name")
    if name is None:
        return path[1] if path[0] == "losses" and len(path) == 2 else None  # a loss may be named by its key
    return name.value

"""How one config goes over another.

- A mapping goes over a mapping key by key, unless it changes ``name``: then it replaces the old
  component, whose other keys mean nothing to the new one.
- A scalar in a component's place replaces the whole mapping: ``aggregator=mean`` is
  ``aggregator={name: mean}``, and a number in a loss's place is its weight.
- Everything else, lists included, replaces.
"""

from __future__ import annotations

from .tree import Node


def merge(base: Node, over: Node) -> Node:
    """Return ``base`` with ``over`` over it; neither is changed."""
    if not over.is_mapping:
        return over
    base = expand(base)
    if not base.is_mapping:
        return over
    if "name" in over.value and _name(base) != _name(over):
        return over
    merged = dict(base.value)
    for key, node in over.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, base.origin)


def expand(node: Node) -> Node:
    """Write a component's short form out: ``mean`` is ``{name: mean}``, ``0.5`` is ``{weight: 0.5}``."""
    if isinstance(node.value, str):
        return Node({"name": node}, node.origin)
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return Node({"weight": node}, node.origin)
    return node


def _name(node: Node) -> object:
    name = node.value.get("name")
    return None if name is None else name.value

"""Dotted overrides: ``granularities.*.reorganizer.keep_rate=0.2``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcmgc.errors import ConfigError, nearest

from .merge import expand, is_component, merge, refuse_absent
from .structure import SECTIONS
from .tree import Node, describe, from_plain, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Callable


MAPPINGS = {*((section,) for section in SECTIONS), ("training", "selection")}
"""Where an override may go without the mapping being there; its keys have defaults."""


@dataclass(frozen=True)
class Override:
    """A value and the dotted path it goes to.

    Parameters
    ----------
    path
        Its keys; ``*`` stands for every key or index of a place, wherever the rest of the path exists.
    value
        What goes there, by the rules of `tcmgc.recipes.merge`.
    text
        ``dotted.path=value``, as it was written.
    """

    path: tuple[str, ...]
    value: Node
    text: str

    @property
    def origin(self) -> str:
        """Where it was written."""
        return self.value.origin


def parse_override(text: str, source: str = "--set") -> Override:
    """Parse ``a.b.c=VALUE``; the value is YAML, so that numbers, booleans, lists and mappings are typed."""
    origin = f"{source} {text}"
    path, equals, value = text.partition("=")
    keys = tuple(path.strip().split("."))
    if not equals or not all(keys):
        raise ConfigError(origin, found=repr(text), expected="dotted.path=value, as aggregator=mean")
    return _named(keys, parse_yaml(value, origin), f"{path.strip()}={value.strip()}")


def make_override(path: str, value: object) -> Override:
    """Make an override of a Python value."""
    keys = tuple(path.split("."))
    origin = f"override {path}={value!r}"
    if not all(keys):
        raise ConfigError(
            origin, found=repr(path), expected="a dotted path, as granularities.video-word.interaction"
        )
    node = from_plain(value, origin)
    return _named(keys, node, f"{path}={value if isinstance(value, str) else json.dumps(node.plain())}")


def _named(keys: tuple[str, ...], value: Node, text: str) -> Override:
    # `a.name=x` swaps the component at `a`; as a mapping it follows the rule for changed names.
    if keys[-1] == "name" and is_component(keys[:-1]):
        return Override(keys[:-1], Node({"name": value}, value.origin), text)
    return Override(keys, value, text)


def apply_override(root: Node, override: Override, with_defaults: Callable[[Node], Any]) -> Node:
    """Return the config with an override applied.

    Parameters
    ----------
    root
        The config.
    override
        What to change.
    with_defaults
        Returns a config as plain values with every default filled. A ``*`` reaches the places where
        the path exists there, so that a parameter may be reached that no file wrote down.

    Raises
    ------
    ConfigError
        When the path, but for its last key, leads nowhere, or a ``*`` matches nothing.
    """
    if "*" not in override.path:
        return _put(root, override.path, override, ())
    places = matches(with_defaults(root), override.path)
    if not places:
        raise ConfigError(
            override.origin,
            found=f"{'.'.join(override.path)} matches nothing",
            expected="a path that exists somewhere",
        )
    for place in places:
        root = _put(root, place, override, ())
    return root


def _put(node: Node, path: tuple[str, ...], override: Override, done: tuple[str, ...]) -> Node:
    node = expand(node, done)
    key, *rest = path
    if node.is_list:
        items = list(node.value)
        position = _index(key, items, override, done)
        items[position] = _put_child(items[position], tuple(rest), override, (*done, key))
        return Node(items, node.origin)
    if not node.is_mapping:
        raise ConfigError(
            override.origin,
            found=f"{'.'.join(done)} is {describe(node)}, so it has no {key!r}",
            expected=f"a component there first: --set {'.'.join(done)}=NAME",
        )
    if (*done, key) in MAPPINGS and key not in node.value:
        node = Node({**node.value, key: Node({}, override.origin)}, node.origin)
    if rest and key not in node.value:
        known = list(node.value if done else dict.fromkeys((*node.value, *SECTIONS)))
        raise ConfigError(
            override.origin,
            found=f"no {key!r} in {'.'.join(done) or 'the recipe'}",
            expected=f"one of {', '.join(known)}",
            hint=nearest(key, known),
        )
    if not rest:
        refuse_absent(node, key, override.value, done)
    mapping = dict(node.value)
    mapping[key] = _put_child(mapping.get(key), tuple(rest), override, (*done, key))
    return Node(mapping, node.origin)


def _put_child(child: Node | None, rest: tuple[str, ...], override: Override, done: tuple[str, ...]) -> Node:
    if child is None:
        return override.value
    if rest:
        return _put(child, rest, override, done)
    return merge(child, override.value, done)


def _index(key: str, items: list[Node], override: Override, done: tuple[str, ...]) -> int:
    if not key.isdecimal() or int(key) >= len(items):
        raise ConfigError(
            override.origin,
            found=f"{'.'.join((*done, key))}, where {'.'.join(done)} is a list of {len(items)}",
            expected=f"an index from 0 to {len(items) - 1}" if items else "a list with entries",
        )
    return int(key)


def matches(config: object, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """List the places that a path, a ``*`` in it or not, has in a config of plain values."""
    if not path:
        return [()]
    key, *rest = path
    if isinstance(config, dict):
        children = config
    elif isinstance(config, list):
        children = {str(index): item for index, item in enumerate(config)}
    else:
        return []
    names = list(children) if key == "*" else [key] if key in children else []
    return [(name, *tail) for name in names for tail in matches(children[name], tuple(rest))]

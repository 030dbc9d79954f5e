"""One component's config from ``key=value`` words, as commands take them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .recipes.overrides import apply_override, parse_override
from .recipes.resolve import resolve
from .recipes.tree import Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .registry import Registry


def component_config(slot: str, name: str, settings: Iterable[str], registry: Registry) -> dict[str, Any]:
    """Check a component's settings against its schema and fill the defaults.

    Parameters
    ----------
    slot
        A slot that a recipe has one component of: ``dataset``, ``reader``, ``sampler``, ``encoder``, ...
    name
        The component.
    settings
        ``key=value`` each, the value in YAML; a dotted key reaches into a nested component. The slot
        may stand before it, as in a recipe.
    registry
        What there is.

    Returns
    -------
    dict
        ``name`` and every parameter, as `tcmgc.registry.Registry.create` takes it.

    Raises
    ------
    ConfigError
        For an unknown component or key, a wrong type or range; with the setting at fault.
    """
    registry.find(slot, name)
    tree = Node({slot: Node({"name": Node(name, f"{slot} {name}")}, f"{slot} {name}")}, f"{slot} {name}")
    for text in settings:
        # In a recipe it is dataset.root=DIR, as hints say it: both are understood.
        given = parse_override(text.removeprefix(f"{slot}."), "setting")
        override = replace(given, path=(slot, *given.path))
        tree = apply_override(tree, override, lambda node: resolve(node, registry).config)
    config: dict[str, Any] = resolve(tree, registry).config[slot]
    return config


def make_component(slot: str, name: str, settings: Iterable[str], registry: Registry) -> Any:
    """Make a component from its settings; see `component_config`."""
    return registry.create(slot, component_config(slot, name, settings, registry), {}, f"{slot} {name}")

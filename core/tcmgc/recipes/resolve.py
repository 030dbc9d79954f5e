"""A recipe's tree to a checked config with every default filled and every value's origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from tcmgc.errors import ConfigError, PluginError, nearest
from tcmgc.schema import describe_type, slot_fields

from .merge import expand
from .structure import (
    SECTIONS,
    GranularityKeys,
    LogitScaleKeys,
    LossKeys,
    RecipeKeys,
    SelectionKeys,
    TrainingKeys,
    ViewKeys,
)
from .tree import Node, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tcmgc.registry import Registry

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Resolved:
    """A checked config.

    Parameters
    ----------
    config
        Plain values with every default filled; a component is a mapping with its ``name``.
    origins
        Where each scalar, and each empty list or mapping, was written, by path.
    """

    config: dict[str, Any]
    origins: Mapping[Path, str]

    def where(self, *path: str | int) -> str:
        """Say where a place is: its origin and its dotted path."""
        return f"{self.origin(*path)}: {dotted(path)}"

    def origin(self, *path: str | int) -> str:
        """Say where a place was written: its own origin, or its first value's."""
        found = (origin for key, origin in self.origins.items() if key[: len(path)] == path)
        return next(found, "recipe")


def resolve(tree: Node, registry: Registry) -> Resolved:
    """Check a recipe against the schemas of its components and fill the defaults.

    Raises
    ------
    ConfigError
        For the first mistake: an unknown section, component or key, a wrong type or range.
    """
    resolver = _Resolver(registry)
    return Resolved(resolver.recipe(tree), resolver.origins)


def dotted(path: Path) -> str:
    """Write a path as overrides do."""
    return ".".join(map(str, path))


class _Resolver:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.origins: dict[Path, str] = {}

    def recipe(self, tree: Node) -> dict[str, Any]:
        known = [*RecipeKeys.model_fields, *SECTIONS]
        self._refuse_unknown(tree, known, (), "key")
        top = Node({key: node for key, node in tree.value.items() if key not in SECTIONS}, tree.origin)
        config = self._fields(RecipeKeys, top, (), "recipe")
        section = {key: tree.value.get(key, Node(None, "default of recipe")) for key in SECTIONS}
        for slot in ("dataset", "reader", "sampler", "encoder"):
            config[slot] = self._optional(slot, section[slot], (slot,))
        config["training"] = self._training(section["training"])
        config["stages"] = self._stages(section["stages"])
        config["views"] = self._named("views", section["views"], self._view)
        config["granularities"] = self._named("granularities", section["granularities"], self._granularity)
        config["aggregator"] = self._optional("aggregator", section["aggregator"], ("aggregator",))
        config["scorer"] = self._optional("scorer", section["scorer"], ("scorer",))
        config["losses"] = self._named("losses", section["losses"], self._loss)
        config["normalizer"] = self._optional("normalizer", section["normalizer"], ("normalizer",))
        scale = section["logit_scale"]
        scale = Node({}, scale.origin) if scale.value is None else scale
        config["logit_scale"] = self._fields(LogitScaleKeys, scale, ("logit_scale",), "logit_scale")
        return config

    def _training(self, node: Node) -> dict[str, Any] | None:
        path = ("training",)
        if node.value is None:
            self.origins[path] = node.origin
            return None
        node = self._mapping(node, path, "a mapping of training's keys")
        self._refuse_unknown(node, [*TrainingKeys.model_fields, "selection"], path, "key of training")
        own = Node({key: child for key, child in node.value.items() if key != "selection"}, node.origin)
        config = self._fields(TrainingKeys, own, path, "training")
        selection = node.value.get("selection", Node(None, "default of training"))
        config["selection"] = self._fields(SelectionKeys, selection, (*path, "selection"), "selection")
        return config

    def _stages(self, node: Node) -> dict[str, list[dict[str, Any]]]:
        node = self._mapping(node, ("stages",), "a mapping {text: [...], video: [...]}")
        self._refuse_unknown(node, ["text", "video"], ("stages",), "side")
        stages: dict[str, list[dict[str, Any]]] = {"text": [], "video": []}
        for side, items in node.value.items():
            if not items.is_list:
                raise self._wrong(items, ("stages", side), "a list of stages")
            if not items.value:
                self.origins["stages", side] = items.origin
            stages[side] = [
                self._component("stage", item, ("stages", side, index))
                for index, item in enumerate(items.value)
            ]
        return stages

    def _named(self, section: str, node: Node, resolve_one: Any) -> dict[str, Any]:
        node = self._mapping(node, (section,), "a mapping of names")
        # null takes an inherited entry out
        return {
            name: resolve_one(name, item, (section, name))
            for name, item in node.value.items()
            if item.value is not None
        }

    def _view(self, _name: str, node: Node, path: Path) -> dict[str, Any]:
        node = self._mapping(expand(node, _keys(path)), path, "the name of a view or a mapping with it")
        if node.value.get("share", Node(None, "")).value is None:
            return self._component("view", node, path, ViewKeys)
        allowed = [*ViewKeys.model_fields, "name"]
        for key, item in node.value.items():
            if key not in allowed:
                raise ConfigError(
                    f"{item.origin}: {dotted((*path, key))}",
                    found=f"{key!r} beside `share`",
                    expected=f"only {', '.join(allowed)}: the shared view has the other parameters",
                )
        keys = Node({key: item for key, item in node.value.items() if key != "name"}, node.origin)
        config = self._fields(ViewKeys, keys, path, "a view")
        if "name" in node.value:
            config["name"] = node.value["name"].plain()
        return config

    def _granularity(self, _name: str, node: Node, path: Path) -> dict[str, Any]:
        return self._fields(
            GranularityKeys, self._mapping(node, path, "a granularity"), path, "a granularity"
        )

    def _loss(self, name: str, node: Node, path: Path) -> dict[str, Any]:
        return self._component("loss", node, path, LossKeys, default_name=name)

    def _optional(self, slot: str, node: Node, path: Path) -> dict[str, Any] | None:
        if node.value is None:
            self.origins[path] = node.origin
            return None
        return self._component(slot, node, path)

    def _component(
        self,
        slot: str,
        node: Node,
        path: Path,
        keys: type[BaseModel] | None = None,
        default_name: str | None = None,
    ) -> dict[str, Any]:
        node = self._mapping(expand(node, _keys(path)), path, f"the name of {_a(slot)} or a mapping with it")
        values = dict(node.value)
        named = values.pop("name", None if default_name is None else Node(default_name, node.origin))
        if named is None:
            raise ConfigError(
                f"{node.origin}: {dotted(path)}",
                found=f"{describe(node)}, but no `name`",
                expected=f"`name`, one of {', '.join(self._registry.names(slot))}",
            )
        if not isinstance(named.value, str):
            raise self._wrong(named, (*path, "name"), f"the name of {_a(slot)}")
        entry = self._registry.find(slot, named.value, f"{named.origin}: {dotted(path)}")
        self.origins[*path, "name"] = named.origin
        config: dict[str, Any] = {"name": entry.name}
        own = set() if keys is None else set(keys.model_fields)
        if clash := sorted(own & set(entry.schema.model.model_fields)):
            raise PluginError(
                f"{entry.label} of plugin {entry.origin}: parameter {clash[0]!r}",
                found=f"a key that every {slot} has in a recipe",
                expected="another name",
            )
        known = [*own, *entry.schema.model.model_fields]
        self._refuse_unknown(Node(values, node.origin), known, path, f"parameter of {entry.label}")
        if keys is not None:
            kept = {key: item for key, item in values.items() if key in own}
            config |= self._fields(keys, Node(kept, node.origin), path, _a(slot))
        rest = {key: item for key, item in values.items() if key not in own}
        return config | self._fields(entry.schema.model, Node(rest, node.origin), path, entry.label)

    def _fields(self, model: type[BaseModel], node: Node, path: Path, label: str) -> dict[str, Any]:
        """Check a mapping against a pydantic model; nested components against their own schemas."""
        node = self._mapping(node, path, label)
        self._refuse_unknown(node, list(model.model_fields), path, f"key of {label}")
        try:
            checked = model.model_validate(node.plain())
        except ValidationError as error:
            raise self._explain(error, model, node, path, label) from None
        nested = slot_fields(model)
        config: dict[str, Any] = {}
        for key in model.model_fields:
            child = node.value.get(key)
            if key in nested and child is not None and child.value is not None:
                config[key] = self._component(nested[key], child, (*path, key))
                continue
            config[key] = getattr(checked, key)
            self.origins[*path, key] = f"default of {label}" if child is None else child.origin
        return config

    def _explain(
        self, error: ValidationError, model: type[BaseModel], node: Node, path: Path, label: str
    ) -> ConfigError:
        first = error.errors(include_url=False)[0]
        key, *inner = first["loc"] or ("",)
        info = model.model_fields.get(str(key))
        expected = first["msg"] if info is None else describe_type(info.annotation, info.metadata)
        if first["type"] == "missing":
            return ConfigError(
                f"{node.origin}: {dotted(path)}",
                found=f"no {key!r}",
                expected=f"{key!r} of {label}: {expected}",
            )
        child = node.value.get(str(key), node)
        place = (*path, *first["loc"]) if inner else (*path, str(key))
        found = f"{first['input']!r}" if inner else describe(child)
        return ConfigError(f"{child.origin}: {dotted(place)}", found=found, expected=expected)

    def _mapping(self, node: Node, path: Path, expected: str) -> Node:
        if node.value is None:
            return Node({}, node.origin)
        if not node.is_mapping:
            raise self._wrong(node, path, expected)
        return node

    def _refuse_unknown(self, node: Node, known: Iterable[str], path: Path, what: str) -> None:
        known = list(known)
        for key, child in node.value.items():
            if key not in known:
                raise ConfigError(
                    f"{child.origin}: {dotted((*path, key))}",
                    found=f"unknown {what}: {key!r}",
                    expected=f"one of {', '.join(known)}" if known else "no parameters",
                    hint=nearest(key, known),
                )

    def _wrong(self, node: Node, path: Path, expected: str) -> ConfigError:
        return ConfigError(f"{node.origin}: {dotted(path)}", found=describe(node), expected=expected)


def _keys(path: Path) -> tuple[str, ...]:
    return tuple(map(str, path))


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"

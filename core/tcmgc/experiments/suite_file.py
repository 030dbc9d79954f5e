"""Suites: files that say which rows are run under one protocol, and which of them are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.errors import ConfigError, nearest
from tcmgc.recipes.named_file import beside, find_file
from tcmgc.recipes.overrides import Override, parse_override
from tcmgc.recipes.protocol import check_version
from tcmgc.recipes.tree import Node, describe, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.registry import Registry

SUITE_KEYS = ("schema_version", "summary", "title", "protocol", "seeds", "set", "rows", "comparisons")
ROW_KEYS = ("recipe", "variant", "set", "label")
COMPARISON_KEYS = ("title", "question", "row", "against")


@dataclass(frozen=True)
class SuiteRow:
    """One row: a recipe and what is changed in it.

    Parameters
    ----------
    recipe
        A registered name, or a path.
    variant
        One of the recipe's variants.
    overrides
        Applied after the suite's.
    label
        What reports call it; made of recipe, variant and overrides where it is left out.
    origin
        Where it was written.
    """

    recipe: str
    variant: str | None
    overrides: tuple[Override, ...]
    label: str | None
    origin: str


@dataclass(frozen=True)
class Comparison:
    """A question about two rows, by label: what ``row`` has over ``against``."""

    title: str
    question: str
    row: str
    against: str
    origin: str


@dataclass(frozen=True)
class SuiteFile:
    """A suite, as read.

    Parameters
    ----------
    name
        The registered name, or the file's stem.
    title
        What reports call it.
    protocol
        A name or path, with where it was written; or None.
    seeds
        Every row is run with each.
    overrides
        Applied to every row.
    rows, comparisons
        In order.
    """

    name: str
    title: str
    protocol: tuple[str, str] | None
    seeds: tuple[int, ...]
    overrides: tuple[Override, ...]
    rows: tuple[SuiteRow, ...]
    comparisons: tuple[Comparison, ...]


def read_suite(registry: Registry, suite: str | Path) -> SuiteFile:
    """Read a suite, given its registered name or a path.

    Raises
    ------
    ConfigError
        For the first mistake, with its line.
    """
    path = find_file(registry.suite_files, "suite", suite)
    tree = read_yaml(path)
    _refuse_unknown(tree, SUITE_KEYS, "", "a suite")
    check_version(tree)
    rows = _items(tree, "rows", "a list of recipes")
    if not rows:
        raise ConfigError(f"{tree.origin}: rows", found="no row", expected="at least one recipe")
    protocol = _text(tree, "protocol", "", "the name or file of a protocol")
    return SuiteFile(
        name=path.stem,
        title=_text(tree, "title", "", "a text") or _text(tree, "summary", "", "a text") or path.stem,
        protocol=None
        if protocol is None
        else (beside(path, protocol), f"{tree.value['protocol'].origin}: protocol"),
        seeds=_seeds(tree),
        overrides=_overrides(tree, ""),
        rows=tuple(_row(node, f"rows.{index}", path) for index, node in enumerate(rows)),
        comparisons=tuple(
            _comparison(node, f"comparisons.{index}")
            for index, node in enumerate(_items(tree, "comparisons", "a list of mappings"))
        ),
    )


def is_suite(path: Path) -> bool:
    """Whether a YAML file is a suite rather than a recipe: suites have rows."""
    return "rows" in read_yaml(path).value


def _row(node: Node, place: str, path: Path) -> SuiteRow:
    if isinstance(node.value, str):
        return SuiteRow(beside(path, node.value), None, (), None, node.origin)
    if not node.is_mapping:
        raise ConfigError(
            f"{node.origin}: {place}", found=describe(node), expected="a recipe, or a mapping with one"
        )
    _refuse_unknown(node, ROW_KEYS, place, "a row")
    recipe = _required(node, "recipe", place, "the name or file of a recipe")
    return SuiteRow(
        beside(path, recipe),
        _text(node, "variant", place, "the name of a variant"),
        _overrides(node, place),
        _text(node, "label", place, "a text"),
        node.origin,
    )


def _comparison(node: Node, place: str) -> Comparison:
    if not node.is_mapping:
        raise ConfigError(
            f"{node.origin}: {place}",
            found=describe(node),
            expected=f"a mapping with {', '.join(COMPARISON_KEYS)}",
        )
    _refuse_unknown(node, COMPARISON_KEYS, place, "a comparison")
    return Comparison(
        title=_required(node, "title", place, "a noun"),
        question=_text(node, "question", place, "a question") or "",
        row=_required(node, "row", place, "the label of a row"),
        against=_required(node, "against", place, "the label of a row"),
        origin=node.origin,
    )


def _seeds(tree: Node) -> tuple[int, ...]:
    items = _items(tree, "seeds", "a list of whole numbers")
    for item in items:
        if not isinstance(item.value, int) or isinstance(item.value, bool) or item.value < 0:
            raise ConfigError(f"{item.origin}: seeds", found=describe(item), expected="whole numbers from 0")
    seeds = tuple(item.value for item in items) or (0,)
    if len(set(seeds)) != len(seeds):
        raise ConfigError(f"{tree.value['seeds'].origin}: seeds", found="a seed twice", expected="each once")
    return seeds


def _overrides(tree: Node, place: str) -> tuple[Override, ...]:
    items = _items(tree, "set", "a list of dotted.path=value", place)
    for item in items:
        if not isinstance(item.value, str):
            raise ConfigError(
                f"{item.origin}: {_dotted(place, 'set')}", found=describe(item), expected="dotted.path=value"
            )
    return tuple(parse_override(item.value, f"{item.origin}, set:") for item in items)


def _items(tree: Node, key: str, expected: str, place: str = "") -> list[Node]:
    node = tree.value.get(key)
    if node is None or node.value is None:
        return []
    if not node.is_list:
        raise ConfigError(f"{node.origin}: {_dotted(place, key)}", found=describe(node), expected=expected)
    items: list[Node] = node.value
    return items


def _text(tree: Node, key: str, place: str, expected: str) -> str | None:
    node = tree.value.get(key)
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, str) or not node.value.strip():
        raise ConfigError(f"{node.origin}: {_dotted(place, key)}", found=describe(node), expected=expected)
    return node.value


def _required(node: Node, key: str, place: str, expected: str) -> str:
    if (text := _text(node, key, place, expected)) is None:
        raise ConfigError(f"{node.origin}: {place}", found=f"no {key!r}", expected=f"{key!r}: {expected}")
    return text


def _refuse_unknown(node: Node, known: tuple[str, ...], place: str, what: str) -> None:
    for key, child in node.value.items():
        if key not in known:
            raise ConfigError(
                f"{child.origin}: {_dotted(place, key)}",
                found=f"unknown key of {what}: {key!r}",
                expected=f"one of {', '.join(known)}",
                hint=nearest(key, known),
            )


def _dotted(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key

"""A config in which every value knows where it was written."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from tcmgc.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

MOST_NODES = 100_000
"""A recipe has hundreds of values; one that expands to more is a mistake, or an attack by aliases."""
SCALARS = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class Node:
    """A scalar, a mapping of names to nodes, or a list of nodes.

    Parameters
    ----------
    value
        ``str | int | float | bool | None``, ``dict[str, Node]`` or ``list[Node]``.
    origin
        Where it was written, as ``tcmgc.yaml:12`` or ``--set aggregator=mean``.
    """

    value: Any
    origin: str

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.value, list)

    def plain(self) -> Any:
        """Return the value without origins."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def read_yaml(path: Path) -> Node:
    """Read a YAML 1.2 file whose top is a mapping.

    Raises
    ------
    ConfigError
        When it is missing, empty, not UTF-8, no YAML, has a key twice, or is no mapping at the top.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(path), found=f"bytes that are not UTF-8 ({error.reason})", expected="YAML"
        ) from None
    except OSError as error:
        raise ConfigError(str(path), found=error.strerror or str(error), expected="a YAML file") from None
    if not text.strip():
        raise ConfigError(str(path), found="an empty file", expected="a YAML mapping")
    node = parse_yaml(text, str(path), lines=True)
    if not node.is_mapping:
        raise ConfigError(str(path), found=f"{describe(node)} at the top", expected="a YAML mapping")
    return node


def parse_yaml(text: str, source: str, *, lines: bool = False) -> Node:
    """Parse a YAML text; ``lines`` appends ``:line`` to the origin of every value."""
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(io.StringIO(text))
        return Node(None, source) if root is None else _Converter(yaml, source, lines).convert(root)
    except RecursionError:
        raise ConfigError(source, found="YAML that contains itself, or is nested too deeply") from None
    except ValueError as error:
        raise ConfigError(source, found=f"unreadable YAML: {error}") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark and lines else source
        raise ConfigError(where, found=f"unreadable YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        raise ConfigError(source, found=f"unreadable YAML: {str(error).splitlines()[0]}") from None


class _Converter:
    def __init__(self, yaml: YAML, source: str, lines: bool) -> None:
        self._constructor = yaml.constructor
        self._source = source
        self._lines = lines
        self._left = MOST_NODES

    def convert(self, node: Any) -> Node:
        origin = self._origin(node)
        self._left -= 1
        if self._left < 0:
            raise ConfigError(self._source, found=f"more than {MOST_NODES} values", expected="a recipe")
        if isinstance(node, MappingNode):
            return Node(self._mapping(node, origin), origin)
        if isinstance(node, SequenceNode):
            return Node([self.convert(item) for item in node.value], origin)
        assert isinstance(node, ScalarNode)
        value = self._constructor.construct_object(node, deep=True)
        if not isinstance(value, SCALARS):
            raise ConfigError(
                origin,
                found=f"{node.value!r}, a {type(value).__name__}",
                expected="text, a number, true, false or null",
            )
        return Node(value, origin)

    def _mapping(self, node: MappingNode, origin: str) -> dict[str, Node]:
        mapping: dict[str, Node] = {}
        for key_node, value_node in node.value:
            key = self._constructor.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise ConfigError(origin, found=f"the key {key!r}", expected="keys that are strings")
            if key in mapping:
                again = self._origin(key_node)
                raise ConfigError(again, found=f"the key {key!r} twice in one mapping", expected="it once")
            mapping[key] = self.convert(value_node)
        return mapping

    def _origin(self, node: Any) -> str:
        return f"{self._source}:{node.start_mark.line + 1}" if self._lines else self._source


def from_plain(value: object, origin: str) -> Node:
    """Make a node of plain Python values, all with one origin."""
    if isinstance(value, dict):
        return Node({str(key): from_plain(item, origin) for key, item in value.items()}, origin)
    if isinstance(value, (list, tuple)):
        return Node([from_plain(item, origin) for item in value], origin)
    if not isinstance(value, SCALARS):
        raise ConfigError(
            origin,
            found=f"{value!r}, a {type(value).__name__}",
            expected="text, a number, a bool, None, a list or a dict",
        )
    return Node(value, origin)


def describe(node: Node) -> str:
    """Say what a node is, to a person."""
    if node.is_mapping:
        return "a mapping with " + (", ".join(node.value) or "no keys")
    if node.is_list:
        return f"a list of {len(node.value)}"
    return "null" if node.value is None else repr(node.value)

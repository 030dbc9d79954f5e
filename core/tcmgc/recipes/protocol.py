"""Protocols: what an experiment holds fixed over the methods that it compares.

A protocol is a YAML file with the sections of `tcmgc.recipes.structure.PROTOCOL_SECTIONS`. It goes over
a recipe by the rules of `tcmgc.recipes.merge`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.errors import ConfigError, nearest

from .named_file import find_file
from .structure import PROTOCOL_SECTIONS
from .tree import Node, describe, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.registry import Registry

TEXTS = ("schema_version", "summary")


@dataclass(frozen=True)
class Protocol:
    """A protocol, as read.

    Parameters
    ----------
    name
        The registered name, or the file's stem.
    sections
        A mapping of its sections.
    """

    name: str
    sections: Node


def load_protocol(registry: Registry, name: str | Path, where: str | None = None) -> Protocol:
    """Read a protocol.

    Parameters
    ----------
    registry
        Where names are looked up.
    name
        A registered name, or a path to a YAML file.
    where
        What errors call the place that names it.

    Raises
    ------
    ConfigError
        When there is none, or it has a section that belongs to a method.
    """
    path = find_file(registry.protocol_files, "protocol", name, where)
    tree = read_yaml(path)
    known = [*TEXTS, *PROTOCOL_SECTIONS]
    for key, node in tree.value.items():
        if key not in known:
            raise ConfigError(
                f"{node.origin}: {key}",
                found=f"{key!r} in a protocol",
                expected=f"one of {', '.join(known)}: the rest of a recipe is the method's",
                hint=nearest(key, known),
            )
    check_version(tree)
    sections = {key: node for key, node in tree.value.items() if key in PROTOCOL_SECTIONS}
    return Protocol(path.stem, Node(sections, tree.origin))


def check_version(tree: Node) -> None:
    """Refuse a file of another format."""
    version = tree.value.get("schema_version")
    if version is not None and (version.value != 1 or isinstance(version.value, bool)):
        raise ConfigError(f"{version.origin}: schema_version", found=describe(version), expected="1")

"""From a recipe's name or file, variant, protocol and overrides to a `Recipe`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .check import check
from .draft import Draft
from .official_names import official_names
from .overrides import Override, make_override, parse_override
from .resolve import Resolved, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.registry import Registry

Overrides = Iterable[str] | Mapping[str, Any]
TEXTS = (
    "summary",
    "paper",
    "protocol",
    "variants",
    "official_names",
    "official_refused",
    "official_protocol",
)
"""Keys that change no number."""


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
    protocol
        The protocol that went over it, or None.
    """

    name: str
    variant: str | None
    resolved: Resolved
    protocol: str | None = None

    @property
    def config(self) -> dict[str, Any]:
        """Plain values, every default filled."""
        return self.resolved.config

    @property
    def official_names(self) -> dict[str, str | None]:
        """Official names to ours, for the stages that it has: `tcmgc.recipes.official_names`."""
        return official_names(self.config)

    @property
    def digest(self) -> str:
        """SHA-256 of the config without its texts, in its order: granularities are ordered."""
        config = {key: value for key, value in self.config.items() if key not in TEXTS}
        return hashlib.sha256(json.dumps(config).encode()).hexdigest()


def load_recipe(
    registry: Registry,
    recipe: str | Path,
    *,
    variant: str | None = None,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
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
    protocol
        A registered name, or a path to a YAML file: put over the recipe after the variant. The protocol
        that a recipe names itself is put over it by `tcmgc run` only.
    overrides
        Strings ``dotted.path=value`` as at the command line, or a mapping of dotted paths to values;
        applied last, in order.

    Raises
    ------
    ConfigError
        For the first mistake, with where it is, what was found and what was expected.
    """
    draft = Draft.read(registry, recipe, variant)
    if protocol is not None:
        draft = draft.with_protocol(protocol)
    for override in parse_overrides(overrides):
        draft = draft.override(override)
    return finish(draft)


def finish(draft: Draft) -> Recipe:
    """Check a draft."""
    resolved = resolve(draft.tree, draft.registry)
    check(resolved)
    return Recipe(draft.name, draft.variant, resolved, draft.protocol)


def parse_overrides(overrides: Overrides) -> list[Override]:
    """Parse overrides as users give them."""
    if isinstance(overrides, Mapping):
        return [make_override(path, value) for path, value in overrides.items()]
    if isinstance(overrides, str):
        return [parse_override(overrides)]
    return [parse_override(text) for text in overrides]

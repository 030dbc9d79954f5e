"""How many layers a checkpoint has behind its encoder, read off its names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tcmgc.recipes.official_names import official_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAYERS = "layers"
"""The parameter of a stage or a scorer that says how many numbered blocks it has."""
BLOCKS = re.compile(r"(stages\.(?:text|video)\.\d+|scorer)\.\w+\.\*")
"""What a line of ``official_names`` gives to all of a list in a stage or a scorer."""


def read_depths(names: Iterable[str], config: Mapping[str, Any]) -> dict[str, int]:
    """Count the numbered blocks of every stage, and of the scorer, that has ``layers``.

    Parameters
    ----------
    names
        Official names, as ``transformerClip.resblocks.0.ln_1.weight``.
    config
        Of the recipe, resolved.

    Returns
    -------
    dict
        Numbers of layers by dotted path, as ``stages.video.0.layers``, where the checkpoint has any.
    """
    names = list(names)
    depths: dict[str, int] = {}
    for official, ours in official_names(config).items():
        fitted = BLOCKS.fullmatch(ours or "")
        if fitted is None or not official.endswith(".*") or LAYERS not in (_place(config, fitted[1]) or ()):
            continue
        numbered = re.compile(re.escape(official[:-1]) + r"(\d{1,4})\.")
        if found := [int(one[1]) for name in names if (one := numbered.match(name))]:
            depths.setdefault(f"{fitted[1]}.{LAYERS}", 1 + max(found))
    return depths


def _place(config: Mapping[str, Any], path: str) -> Any:
    """Return the component at a path, or None."""
    section, *rest = path.split(".")
    if not rest:
        return config[section]
    side, index = rest
    stages = config[section][side]
    return stages[int(index)] if int(index) < len(stages) else None

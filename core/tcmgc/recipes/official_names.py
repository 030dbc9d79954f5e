"""A recipe's ``official_names`` for the stages that it has.

A line names a weight of a stage behind the stage's index or its component: ``stages.video.0.lstm.*`` or
``stages.video.lstm.lstm.*``. The second holds wherever the stage stands, and means nothing where there is
none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

STAGES = "stages"


def official_names(config: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the lines with the index of every stage that one names by its component.

    Parameters
    ----------
    config
        Of a recipe, resolved. Of several stages of one name the first is meant.
    """
    lines: Mapping[str, str | None] = config["official_names"]
    return {
        official: None if ours is None else _placed(ours, config[STAGES]) for official, ours in lines.items()
    }


def _placed(ours: str, stages: Mapping[str, Any]) -> str:
    section, *path = ours.split(".")
    if section != STAGES or len(path) < 2 or path[0] not in stages:
        return ours
    side, stage, *rest = path
    names = [config["name"] for config in stages[side]]
    if stage in names:
        stage = str(names.index(stage))
    return ".".join((section, side, stage, *rest))

"""What a caption says of a scene, and whether another scene satisfies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from .attributes import HORIZONTAL

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from .scene import Scene

Detail = Literal["size", "other size", "speed", "place"]
Key: TypeAlias = "Hashable"


@dataclass(frozen=True)
class Claim:
    """A scene as a caption tells it.

    Colours, shapes, what happens, its direction and the relation of two objects are always told.

    Parameters
    ----------
    scene
        The scene.
    details
        What is told besides.
    """

    scene: Scene
    details: frozenset[Detail]

    @property
    def key(self) -> Key:
        """What is always told: scenes with another key do not satisfy the claim."""
        return key(self.scene)

    def holds(self, scene: Scene) -> bool:
        """Whether it is true of a scene."""
        if key(scene) != self.key:
            return False
        ours, theirs = self._ordered(scene)
        return all(_detail(ours, detail) == _detail(theirs, detail) for detail in self.details)

    def _ordered(self, scene: Scene) -> tuple[Scene, Scene]:
        if scene.swap and scene.things[0].colour != self.scene.things[0].colour:
            return self.scene, type(scene)((scene.things[1], scene.things[0]), swap=True)
        return self.scene, scene


def key(scene: Scene) -> Key:
    """Return what every caption tells of a scene."""
    looks = tuple((thing.colour, thing.shape) for thing in scene.things)
    if scene.swap:
        return ("swap", frozenset(looks))
    first = scene.things[0]
    return (looks, first.motion, first.direction, relation(scene))


def relation(scene: Scene) -> str | None:
    """Where the first object is, seen from the second; None where there is no second.

    One that moves is above, below or beside the other on the axis along which it does not move.
    """
    if len(scene.things) == 1:
        return None
    first, second = scene.things
    if first.direction in HORIZONTAL or (first.direction is None and first.row != second.row):
        return "above" if first.row < second.row else "below"
    return "left" if first.column < second.column else "right"


def told_by(claims: Sequence[Claim], scenes: Sequence[Scene]) -> bool:
    """Whether scenes satisfy all claims, in their order, with other scenes between them or not."""
    left = list(scenes)
    for claim in claims:
        found = next((index for index, scene in enumerate(left) if claim.holds(scene)), None)
        if found is None:
            return False
        left = left[found + 1 :]
    return True


def _detail(scene: Scene, detail: Detail) -> object:
    first = scene.things[0]
    match detail:
        case "size":
            return first.size
        case "other size":
            return scene.things[1].size
        case "speed":
            return first.speed
        case "place":
            return first.column, first.row

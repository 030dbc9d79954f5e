"""What a caption says of a scene, and whether another scene satisfies it, whoever drew it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Literal, TypeAlias

from .attributes import HORIZONTAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .scene import Scene, Thing

Detail = Literal["size", "other size", "speed", "place"]
Look: TypeAlias = tuple[str, str]
Key: TypeAlias = tuple[Look, Look | None, str]
"""What an object looks like, beside which other (or any), and what it does: direction, motion or swap."""
SWAP = "swap"
MOMENTS = (0.0, 0.5, 1.0)
"""Shares of a scene's time at which relations are looked at; one that holds at any is taken to hold."""


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
        """What is always told; a scene satisfies the claim only if `keys` of it has the same."""
        return next(_keys_of(self.scene, 0))

    def holds(self, scene: Scene) -> bool:
        """Whether it is true of a scene: of any of its objects, whatever else the scene shows.

        Where the words leave it open (how fast objects change places, when one is above another), it is
        taken to be true: nobody should have to guess.
        """
        if self.scene.swap:
            return scene.swap and any(
                self._looks(scene, order) and self._sized(scene, order)
                for order in permutations(range(len(scene.things)))
            )
        return any(self._holds_of(scene, order) for order in permutations(range(len(scene.things))))

    def _holds_of(self, scene: Scene, order: Sequence[int]) -> bool:
        told, subject = self.scene.things[0], scene.things[order[0]]
        if not self._looks(scene, order) or _verb(told) not in _verbs(scene, order[0]):
            return False
        if not self._sized(scene, order):
            return False
        if "speed" in self.details and not scene.swap and subject.speed != told.speed:
            return False
        if "place" in self.details and not scene.swap and _place(subject) != _place(told):
            return False
        return len(self.scene.things) == 1 or relation(self.scene) in _relations(scene, order)

    def _looks(self, scene: Scene, order: Sequence[int]) -> bool:
        told = self.scene.things
        if len(told) > len(order):
            return False
        return all(_look(thing) == _look(scene.things[i]) for thing, i in zip(told, order, strict=False))

    def _sized(self, scene: Scene, order: Sequence[int]) -> bool:
        places = [place for place, detail in enumerate(("size", "other size")) if detail in self.details]
        return all(self.scene.things[i].size == scene.things[order[i]].size for i in places)


def keys(scene: Scene) -> set[Key]:
    """Return the keys of all claims that could be true of a scene."""
    return {key for first in range(len(scene.things)) for key in _keys_of(scene, first)}


def relation(scene: Scene) -> str | None:
    """Where the first object is, seen from the second, as it is told; None where there is no second.

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


def _keys_of(scene: Scene, first: int) -> Iterator[Key]:
    """Yield keys with one object as the subject; the scene's own claim has the first of them."""
    look = _look(scene.things[first])
    others = [_look(thing) for index, thing in enumerate(scene.things) if index != first]
    for verb in _verbs(scene, first):
        yield from ((look, other, verb) for other in others)
        if verb != SWAP:
            yield look, None, verb


def _look(thing: Thing) -> Look:
    return thing.colour, thing.shape


def _verb(thing: Thing) -> str:
    return thing.direction or thing.motion


def _verbs(scene: Scene, index: int) -> list[str]:
    """List what can be said that an object does; where two change places, each moves, too."""
    if not scene.swap:
        return [_verb(scene.things[index])]
    mine, other = scene.things[index], scene.things[1 - index]
    verbs = [SWAP]
    if mine.column != other.column:
        verbs.append("right" if mine.column < other.column else "left")
    if mine.row != other.row:
        verbs.append("down" if mine.row < other.row else "up")
    return verbs


def _place(thing: Thing) -> tuple[int, int]:
    return thing.column, thing.row


def _relations(scene: Scene, order: Sequence[int]) -> set[str]:
    """Name the relations of two objects that hold at any of `MOMENTS`."""
    found = set()
    for moment in MOMENTS:
        places = scene.places(moment)
        first, second = places[order[0]], places[order[1]]
        if first is None or second is None:
            continue
        across, along = first[0] - second[0], first[1] - second[1]
        found |= {name for name, holds in (("left", across < 0), ("right", across > 0)) if holds}
        found |= {name for name, holds in (("above", along < 0), ("below", along > 0)) if holds}
    return found

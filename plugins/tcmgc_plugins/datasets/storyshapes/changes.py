"""Scenes that differ from a given one in a single attribute."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from .attributes import COLOURS, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .scene import Scene, Thing

Attribute = Literal["colour", "shape", "size", "place", "relation", "speed", "direction", "existence"]
ATTRIBUTES: tuple[Attribute, ...] = (
    "colour",
    "shape",
    "size",
    "place",
    "relation",
    "speed",
    "direction",
    "existence",
)
TEMPORAL: frozenset[str] = frozenset({"direction", "existence", "order"})
"""Attributes whose change leaves the frames as they are and changes their order alone.

``order`` is of two scenes rather than within one, so no function of a scene changes it.
"""


def changes(scene: Scene, attribute: Attribute) -> list[Scene]:
    """List the scenes that differ from a scene in one attribute; none where it has no such attribute."""
    return list(_CHANGES[attribute](scene))


def _colour(scene: Scene) -> Iterator[Scene]:
    for index, thing in enumerate(scene.things):
        for colour in COLOURS:
            if colour not in {other.colour for other in scene.things}:
                yield _with(scene, index, replace(thing, colour=colour))


def _shape(scene: Scene) -> Iterator[Scene]:
    for index, thing in enumerate(scene.things):
        for shape in SHAPES:
            if shape not in {other.shape for other in scene.things}:
                yield _with(scene, index, replace(thing, shape=shape))


def _size(scene: Scene) -> Iterator[Scene]:
    first = scene.things[0]
    yield _with(scene, 0, replace(first, size="small" if first.size == "large" else "large"))


def _place(scene: Scene) -> Iterator[Scene]:
    """Put a lone object elsewhere: one column or one row away."""
    if len(scene.things) > 1 or scene.things[0].motion == "move":
        return
    thing = scene.things[0]
    for column, row in ((thing.column + 1, thing.row), (thing.column - 1, thing.row)):
        if 0 <= column <= 2:
            yield _with(scene, 0, replace(thing, column=column, row=row))
    for row in (thing.row - 1, thing.row + 1):
        if 0 <= row <= 2:
            yield _with(scene, 0, replace(thing, row=row))


def _relation(scene: Scene) -> Iterator[Scene]:
    """Mirror the places of two objects."""
    if len(scene.things) == 2 and not scene.swap:
        yield replace(
            scene, things=tuple(replace(t, column=2 - t.column, row=2 - t.row) for t in scene.things)
        )


def _speed(scene: Scene) -> Iterator[Scene]:
    first = scene.things[0]
    if first.speed is not None:
        yield _with(scene, 0, replace(first, speed="slow" if first.speed == "fast" else "fast"))


def _direction(scene: Scene) -> Iterator[Scene]:
    if scene.things[0].motion == "move":
        yield scene.reversed()


def _existence(scene: Scene) -> Iterator[Scene]:
    if scene.things[0].motion in ("appear", "vanish"):
        yield scene.reversed()


def _with(scene: Scene, index: int, thing: Thing) -> Scene:
    things = list(scene.things)
    things[index] = thing
    return replace(scene, things=tuple(things))


_CHANGES = {
    "colour": _colour,
    "shape": _shape,
    "size": _size,
    "place": _place,
    "relation": _relation,
    "speed": _speed,
    "direction": _direction,
    "existence": _existence,
}

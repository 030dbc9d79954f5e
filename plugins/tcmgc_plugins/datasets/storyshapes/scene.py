"""A scene: up to two objects and what happens to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from .attributes import HORIZONTAL, LINES, OPPOSITE, TRAVEL, Colour, Direction, Motion, Shape, Size, Speed

Composition: TypeAlias = frozenset[tuple[str, str]]
"""The (colour, shape) of every object that a scene shows: what train, val and test do not share."""


@dataclass(frozen=True)
class Thing:
    """An object of a scene.

    Parameters
    ----------
    shape, colour, size
        How it looks.
    column, row
        Its place on the 3 x 3 grid; on the axis along which it moves, without meaning and 1.
    motion
        What it does.
    direction, speed
        Of a motion ``move``; None otherwise.
    """

    shape: Shape
    colour: Colour
    size: Size
    column: int
    row: int
    motion: Motion = "still"
    direction: Direction | None = None
    speed: Speed | None = None

    def place(self, progress: float) -> tuple[float, float] | None:
        """Return (x, y) at a share of the scene's time; None while it is not there."""
        # At the very middle it is there either way: backwards, the one is the other frame for frame.
        if (self.motion == "appear" and progress < 0.5) or (self.motion == "vanish" and progress > 0.5):
            return None
        x, y = LINES[self.column], LINES[self.row]
        if self.direction is None or self.speed is None:
            return x, y
        start, end = TRAVEL[self.speed]
        if self.direction in ("left", "up"):
            start, end = end, start
        along = start + (end - start) * progress
        return (along, y) if self.direction in HORIZONTAL else (x, along)

    def reversed(self) -> Thing:
        """Return the same object in a scene that is played backwards."""
        if self.direction is not None:
            return replace(self, direction=OPPOSITE[self.direction])
        backwards: dict[Motion, Motion] = {"appear": "vanish", "vanish": "appear"}
        return replace(self, motion=backwards.get(self.motion, self.motion))


@dataclass(frozen=True)
class Scene:
    """One or two objects; where they ``swap``, both go to the other's place and do nothing else.

    Parameters
    ----------
    things
        The objects; the first is what a sentence is about.
    swap
        Whether the two exchange their places.
    """

    things: tuple[Thing, ...]
    swap: bool = False

    @property
    def composition(self) -> Composition:
        """Its objects' colours and shapes."""
        return frozenset((thing.colour, thing.shape) for thing in self.things)

    def places(self, progress: float) -> list[tuple[float, float] | None]:
        """Return where each object is at a share of the scene's time."""
        if not self.swap:
            return [thing.place(progress) for thing in self.things]
        (x0, y0), (x1, y1) = ((LINES[t.column], LINES[t.row]) for t in self.things)
        there = (x0 + (x1 - x0) * progress, y0 + (y1 - y0) * progress)
        back = (x1 + (x0 - x1) * progress, y1 + (y0 - y1) * progress)
        return [there, back]

    def reversed(self) -> Scene:
        """Return the scene that shows the same frames in the opposite order; a swap stays as it is told."""
        return self if self.swap else replace(self, things=tuple(thing.reversed() for thing in self.things))

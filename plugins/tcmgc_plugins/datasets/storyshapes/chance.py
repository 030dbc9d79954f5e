"""Random scenes of a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .attributes import COLOURS, HORIZONTAL, OPPOSITE, SHAPES
from .compositions import split_of
from .scene import Scene, Thing

if TYPE_CHECKING:
    from random import Random

    from tcmgc.data.clip import SplitName

    from .attributes import Direction, Motion

LONE, SWAP = 0.3, 0.1
"""Shares of scenes with one object, and of scenes in which two change places."""
STILL, MOVE, APPEAR = 0.16, 0.56, 0.14
"""Shares of what the first object does; the rest vanishes."""


def draw_scene(random: Random, split: SplitName) -> Scene:
    """Draw a scene whose composition belongs to a split."""
    while True:
        scene = _draw(random)
        if split_of(scene.composition) == split:
            return scene


def _draw(random: Random) -> Scene:
    kind = random.random()
    first = _thing(random)
    if kind < SWAP:
        second = _elsewhere(random, _look_unlike(random, first), first)
        return Scene((first, second), swap=True)
    first = _moving(random, first)
    if kind < SWAP + LONE:
        return Scene((first,))
    return Scene((first, _elsewhere(random, _look_unlike(random, first), first)))


def _thing(random: Random) -> Thing:
    return Thing(
        shape=random.choice(SHAPES),
        colour=random.choice(list(COLOURS)),
        size=random.choice(("small", "large")),
        column=random.randrange(3),
        row=random.randrange(3),
    )


def _look_unlike(random: Random, other: Thing) -> Thing:
    """Draw an object of another colour and another shape."""
    while True:
        thing = _thing(random)
        if thing.colour != other.colour and thing.shape != other.shape:
            return thing


def _moving(random: Random, thing: Thing) -> Thing:
    kind = random.random()
    if kind < STILL:
        return thing
    if kind < STILL + MOVE:
        direction: Direction = random.choice(list(OPPOSITE))
        return Thing(
            shape=thing.shape,
            colour=thing.colour,
            size=thing.size,
            column=1 if direction in HORIZONTAL else thing.column,
            row=thing.row if direction in HORIZONTAL else 1,
            motion="move",
            direction=direction,
            speed=random.choice(("slow", "fast")),
        )
    motion: Motion = random.choice(("appear", "vanish"))
    return Thing(thing.shape, thing.colour, thing.size, thing.column, thing.row, motion)


def _elsewhere(random: Random, thing: Thing, first: Thing) -> Thing:
    """Place a still object clearly on one side of the first: off the line on which that may move."""
    column, row = thing.column, thing.row
    across = first.direction in HORIZONTAL or (first.direction is None and random.random() < 0.5)
    if across:
        row = random.choice([line for line in range(3) if line != first.row])
        column = first.column if first.direction is None else column
    else:
        column = random.choice([line for line in range(3) if line != first.column])
        row = first.row if first.direction is None else row
    return Thing(thing.shape, thing.colour, thing.size, column, row)

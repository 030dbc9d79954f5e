"""Single pictures with captions: what a small CLIP is trained on, of train compositions alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from .attributes import BACKGROUNDS, LINES
from .chance import draw_scene
from .claim import Claim
from .drawing import SIDE, draw_objects
from .wording import clause, describe_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .claim import Detail
    from .scene import Scene

TOLD_AS_SCENE = 0.5
"""Share of captions that tell what happens, of which one picture shows a moment: as on the web."""
LATE = 3
"""Such a picture is taken late in what it tells, at the last of so many random moments. What moves to the
left is then more often on the left, as in photographs, and the words keep a meaning."""


@dataclass(frozen=True)
class Picture:
    """A moment of a scene.

    Parameters
    ----------
    scene
        What it is a moment of.
    places
        Where its objects are.
    ground
        The background's colour.
    caption
        A sentence about it.
    """

    scene: Scene
    places: tuple[tuple[float, float], ...]
    ground: tuple[int, int, int]
    caption: str

    def pixels(self) -> NDArray[np.uint8]:
        """Draw it: RGB [96, 96, 3]."""
        frame = np.broadcast_to(np.array(self.ground, np.uint8), (SIDE, SIDE, 3)).copy()
        draw_objects(frame, self.scene, self.places)
        return frame


def draw_pictures(count: int, *, seed: int) -> Iterator[Picture]:
    """Draw pictures of scenes of the train split, each with one caption; the same for the same seed."""
    random = Random(f"storyshapes pictures {seed}")
    for _ in range(count):
        yield _draw(random)


def _draw(random: Random) -> Picture:
    scene = draw_scene(random, "train")
    told = random.random() < TOLD_AS_SCENE
    places = _moment(random, scene, told=told)
    if told:
        caption = clause(random, Claim(scene, _details(random, scene)))
    else:
        caption = describe_picture(random, _as_seen(scene, places))
    return Picture(scene, places, random.choice(BACKGROUNDS), caption)


def _moment(random: Random, scene: Scene, *, told: bool) -> tuple[tuple[float, float], ...]:
    """Choose a moment at which every object is there, and stands on a place of the grid of its own."""
    while True:
        places = scene.places(max(random.random() for _ in range(LATE if told else 1)))
        there = tuple(place for place in places if place is not None)
        if len(there) == len(places) == len({_cell(place) for place in there}):
            return there


def _as_seen(scene: Scene, places: Sequence[tuple[float, float]]) -> Scene:
    """Return the still scene that a picture shows: each object on the place of the grid next to it."""
    things = [
        replace(thing, column=column, row=row, motion="still", direction=None, speed=None)
        for thing, (column, row) in zip(scene.things, map(_cell, places), strict=True)
    ]
    return replace(scene, things=tuple(things), swap=False)


def _cell(place: tuple[float, float]) -> tuple[int, int]:
    column, row = (min(range(3), key=lambda line: abs(LINES[line] - share)) for share in place)
    return column, row


def _details(random: Random, scene: Scene) -> frozenset[Detail]:
    details: list[Detail] = ["size"]
    details += ["place"] if len(scene.things) == 1 else ["other size"]
    details += ["speed"] if scene.things[0].speed is not None else []
    return frozenset(detail for detail in details if random.random() < 0.5)

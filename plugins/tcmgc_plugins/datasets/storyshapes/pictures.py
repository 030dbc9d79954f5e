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
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .claim import Detail
    from .scene import Scene

TOLD_AS_SCENE = 0.4
"""Share of captions that tell what happens, of which one picture shows a moment: as on the web."""


@dataclass(frozen=True)
class Picture:
    """A moment of a scene.

    Parameters
    ----------
    scene
        What it is a moment of.
    pixels
        RGB uint8 [96, 96, 3].
    caption
        A sentence about it.
    """

    scene: Scene
    pixels: NDArray[np.uint8]
    caption: str


def draw_pictures(count: int, *, seed: int) -> Iterator[Picture]:
    """Draw pictures of scenes of the train split, each with one caption; the same for the same seed."""
    random = Random(f"storyshapes pictures {seed}")
    for _ in range(count):
        yield _draw(random)


def _draw(random: Random) -> Picture:
    scene = draw_scene(random, "train")
    while True:  # an object that is not there yet is in no picture
        progress = random.random()
        places = scene.places(progress)
        if None not in places:
            break
    ground = np.array(random.choice(BACKGROUNDS), np.uint8)
    pixels = np.broadcast_to(ground, (SIDE, SIDE, 3)).copy()
    draw_objects(pixels, scene, places)
    if random.random() < TOLD_AS_SCENE:
        return Picture(scene, pixels, clause(random, Claim(scene, _details(random, scene))))
    shown = [
        replace(
            thing, column=_line(place[0]), row=_line(place[1]), motion="still", direction=None, speed=None
        )
        for thing, place in zip(scene.things, places, strict=True)
        if place is not None
    ]
    # Where two objects are on one place of the grid, what is said of a moving one still holds.
    apart = len({(thing.column, thing.row) for thing in shown}) == len(shown)
    still = replace(scene, things=tuple(shown), swap=False) if apart else replace(scene, swap=False)
    return Picture(scene, pixels, describe_picture(random, still))


def _line(share: float) -> int:
    return min(range(3), key=lambda line: abs(LINES[line] - share))


def _details(random: Random, scene: Scene) -> frozenset[Detail]:
    details: list[Detail] = ["size"]
    details += ["place"] if len(scene.things) == 1 else ["other size"]
    details += ["speed"] if scene.things[0].speed is not None else []
    return frozenset(detail for detail in details if random.random() < 0.5)

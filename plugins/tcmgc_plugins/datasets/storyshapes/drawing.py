"""Frames of a scene: anti-aliased shapes on a plain ground, mixed in whole numbers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from .attributes import COLOURS, SIZES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .attributes import Shape, Size
    from .scene import Scene

SIDE = 96
"""Pixels a side of a video."""
STEPS = 4
"""Objects stand on quarters of a pixel, and each pixel is covered by 4 x 4 samples."""


def draw_frames(scene: Scene, count: int, ground: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Draw a scene: RGB [count, 96, 96, 3].

    Parameters
    ----------
    scene
        What to show.
    count
        Frames; the first shows its start and the last its end.
    ground
        The background's colour.
    """
    frames = np.empty((count, SIDE, SIDE, 3), np.uint8)
    frames[:] = ground
    for index in range(count):
        progress = index / max(1, count - 1)
        draw_objects(frames[index], scene, scene.places(progress))
    return frames


def draw_objects(
    frame: NDArray[np.uint8], scene: Scene, places: Sequence[tuple[float, float] | None]
) -> None:
    """Draw a scene's objects at their places into a frame [96, 96, 3]; the first lies on top."""
    for thing, place in reversed(list(zip(scene.things, places, strict=True))):
        if place is not None:
            _paint(frame, thing.shape, thing.size, COLOURS[thing.colour], place)


def _paint(
    frame: NDArray[np.uint8],
    shape: Shape,
    size: Size,
    colour: tuple[int, int, int],
    place: tuple[float, float],
) -> None:
    (x, x_quarter), (y, y_quarter) = (divmod(round(share * SIDE * STEPS), STEPS) for share in place)
    cover = _cover(shape, size, x_quarter, y_quarter)
    half = cover.shape[0] // 2
    x0, y0 = x - half, y - half
    rows = slice(max(0, y0), min(SIDE, y0 + cover.shape[0]))
    columns = slice(max(0, x0), min(SIDE, x0 + cover.shape[1]))
    seen = cover[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0, None]
    below = frame[rows, columns].astype(np.int32)
    most = STEPS * STEPS
    frame[rows, columns] = (below * (most - seen) + np.array(colour, np.int32) * seen + most // 2) // most


@cache
def _cover(shape: Shape, size: Size, x_quarter: int, y_quarter: int) -> NDArray[np.int32]:
    """Count the samples, of 16, that a shape covers in each pixel around its centre: [n, n]."""
    radius = SIZES[size] * SIDE
    half = int(radius) + 2
    steps = np.arange(-half * STEPS, (half + 1) * STEPS)
    # The middle of a sample, in radii from the centre of the object.
    x = ((steps + 0.5 - x_quarter) / STEPS / radius)[None, :]
    y = ((steps + 0.5 - y_quarter) / STEPS / radius)[:, None]
    inside = _inside(shape, *np.broadcast_arrays(x, y))
    pixels = 2 * half + 1
    cover: NDArray[np.int32] = inside.reshape(pixels, STEPS, pixels, STEPS).sum(axis=(1, 3), dtype=np.int32)
    return cover


def _inside(shape: Shape, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points are inside a shape within the unit circle."""
    distance = np.hypot(x, y)
    inside: NDArray[np.bool_]
    match shape:
        case "circle":
            inside = distance <= 0.92
        case "ring":
            inside = (distance <= 1.0) & (distance >= 0.58)
        case "square":
            inside = np.maximum(abs(x), abs(y)) <= 0.8
        case "diamond":
            inside = abs(x) * 1.35 + abs(y) <= 1.0
        case "cross":
            inside = (np.minimum(abs(x), abs(y)) <= 0.28) & (np.maximum(abs(x), abs(y)) <= 0.95)
        case "triangle":
            inside = (y <= 0.7) & (abs(x) <= 0.52 * (y + 1.0))
        case "moon":
            inside = (distance <= 1.0) & (np.hypot(x - 0.45, y) > 0.8)
        case "star":
            # Five points: the edge lies between radius 1 at a point and 0.45 between two.
            turn = (np.arctan2(x, -y) / (2 * np.pi / 5)) % 1
            between = 1 - abs(2 * turn - 1)
            angle = between * np.pi / 5
            tip, notch = 1.05, 0.46
            edge = tip * notch * np.sin(np.pi / 5)
            edge = edge / (notch * np.sin(np.pi / 5 - angle) + tip * np.sin(angle))
            inside = distance <= edge
    return inside

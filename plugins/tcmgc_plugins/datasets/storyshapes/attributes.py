"""What StoryShapes is made of: shapes, colours, sizes, places and motions, and how they are drawn.

Coordinates are shares of the frame's side; x grows to the right and y downwards.
"""

from __future__ import annotations

from typing import Literal

Shape = Literal["circle", "square", "triangle", "diamond", "star", "cross", "ring", "moon"]
Colour = Literal["red", "green", "blue", "yellow", "purple", "orange", "white", "pink"]
Size = Literal["small", "large"]
Direction = Literal["left", "right", "up", "down"]
Speed = Literal["slow", "fast"]
Motion = Literal["still", "move", "appear", "vanish"]

SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond", "star", "cross", "ring", "moon")
COLOURS: dict[Colour, tuple[int, int, int]] = {
    "red": (222, 48, 48),
    "green": (52, 184, 76),
    "blue": (56, 104, 236),
    "yellow": (240, 222, 64),
    "purple": (150, 68, 204),
    "orange": (246, 142, 40),
    "white": (240, 240, 240),
    "pink": (250, 150, 190),
}
SIZES: dict[Size, float] = {"small": 0.105, "large": 0.175}
"""Radius of the circle that an object fills."""
BACKGROUNDS: tuple[tuple[int, int, int], ...] = ((18, 18, 26), (40, 40, 48), (22, 34, 52), (46, 36, 30))
LINES: tuple[float, ...] = (0.22, 0.5, 0.78)
"""Where columns and rows lie."""
TRAVEL: dict[Speed, tuple[float, float]] = {"slow": (0.36, 0.64), "fast": (0.16, 0.84)}
"""Where a motion to the right or downwards starts and ends; the opposite one runs back."""
OPPOSITE: dict[Direction, Direction] = {"left": "right", "right": "left", "up": "down", "down": "up"}
HORIZONTAL: frozenset[Direction] = frozenset({"left", "right"})

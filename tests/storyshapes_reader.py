"""A reader of StoryShapes' sentences: what they say, by their words, and whether a scene shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tcmgc_plugins.datasets.storyshapes.scene import Scene

COLOURS = "red|green|blue|yellow|purple|orange|white|pink"
SHAPES = {"disc": "circle", "box": "square", "hoop": "ring", "crescent": "moon"}
SIZES = dict.fromkeys(("small", "little", "tiny"), "small") | dict.fromkeys(("large", "big", "huge"), "large")
NOUN = rf"an? (?:(\w+) )?({COLOURS}) (\w+)"
MOVES = {
    "left": r"\b(to the left|leftwards)(?! of)",
    "right": r"\b(to the right|rightwards)(?! of)",
    "up": r"(?<!shows )(?<!pops )\bup(wards)?\b",
    "down": r"\bdown(wards)?\b",
}
RELATIONS = {
    "above": r"\b(above|over)\b",
    "below": r"\b(below|under)\b",
    "left": r"\bleft of\b",
    "right": r"\bright of\b",
}
PLACES = {"left": (0, None), "right": (2, None), "top": (None, 0), "bottom": (None, 2)}


@dataclass(frozen=True)
class Sentence:
    """What one clause says."""

    nouns: tuple[tuple[str | None, str, str], ...]
    verb: str
    speed: str | None
    relation: str | None
    column: int | None
    row: int | None


def read(text: str) -> Sentence:
    """Take a clause apart."""
    nouns = tuple(
        (SIZES[size] if size else None, colour, SHAPES.get(shape, shape))
        for size, colour, shape in re.findall(NOUN, text)
    )
    rest = re.sub(NOUN, "#", text)
    speeds = {"slow": "slowly|gently", "fast": "quickly|rapidly"}
    speed = next((name for name, pattern in speeds.items() if re.search(pattern, rest)), None)
    told = [name for name, pattern in RELATIONS.items() if re.search(pattern, rest)]
    relation = told[0] if len(nouns) == 2 and told else None
    if re.search(r"(swap|trade|change) places", rest):
        return Sentence(nouns, "swap", None, None, None, None)
    column, row = _place(rest) if len(nouns) == 1 else (None, None)
    for verb, pattern in (("appear", r"\bappears|shows up|pops up"), ("vanish", "vanishes|disappears")):
        if re.search(pattern, rest):
            return Sentence(nouns, verb, None, relation, column, row)
    if re.search("rests|stays|sits", rest):
        return Sentence(nouns, "still", None, relation, column, row)
    (verb,) = (name for name, pattern in MOVES.items() if re.search(pattern, rest))
    return Sentence(nouns, verb, speed, relation, column, row)


def _place(rest: str) -> tuple[int | None, int | None]:
    told = re.search(r"\b(?:at the|on the|along the|through the|in the) ([a-z ]+)$", rest)
    if told is None:
        return None, None
    words = told[1].split()
    if words[0] in ("middle", "centre"):
        return 1, 1
    column = next((PLACES[word][0] for word in words if PLACES.get(word, (None,))[0] is not None), None)
    row = next((PLACES[word][1] for word in words if word in ("top", "bottom")), None)
    if "at the" in rest or ("on the" in rest and "side" not in words):
        column, row = (1 if column is None else column), (1 if row is None else row)
    return column, row


def is_true(sentence: Sentence, scene: Scene) -> bool:
    """Whether a scene shows it, of whichever objects."""
    things = scene.things
    for first in range(len(things)):
        others = [i for i in range(len(things)) if i != first]
        if len(sentence.nouns) == 1 and _is_true(sentence, scene, [first]):
            return True
        if len(sentence.nouns) == 2 and any(_is_true(sentence, scene, [first, other]) for other in others):
            return True
    return False


def in_order(sentences: Sequence[Sentence], scenes: Iterable[Scene]) -> bool:
    """Whether scenes show all sentences one after another."""
    left = list(sentences)
    for scene in scenes:
        if left and is_true(left[0], scene):
            left.pop(0)
    return not left


def _is_true(sentence: Sentence, scene: Scene, order: list[int]) -> bool:
    chosen = [scene.things[i] for i in order]
    for (size, colour, shape), thing in zip(sentence.nouns, chosen, strict=True):
        if (colour, shape) != (thing.colour, thing.shape) or size not in (None, thing.size):
            return False
    if sentence.verb == "swap" or scene.swap:
        return _of_a_swap(sentence, scene, order)
    subject = chosen[0]
    if sentence.verb not in (subject.motion, subject.direction):
        return False
    # Of one that moves, a place is the line that it moves on.
    fits = (
        sentence.speed in (None, subject.speed)
        and (subject.direction in ("left", "right") or sentence.column in (None, subject.column))
        and (subject.direction in ("up", "down") or sentence.row in (None, subject.row))
    )
    return fits and (sentence.relation is None or sentence.relation in _seen(scene, order))


def _of_a_swap(sentence: Sentence, scene: Scene, order: list[int]) -> bool:
    if not scene.swap or sentence.verb == "swap":
        return scene.swap and sentence.verb == "swap"
    start, end = (scene.places(moment)[order[0]] for moment in (0.0, 1.0))
    assert start is not None
    assert end is not None
    moved = {
        "left": end[0] < start[0],
        "right": end[0] > start[0],
        "up": end[1] < start[1],
        "down": end[1] > start[1],
    }
    fits = sentence.relation is None or sentence.relation in _seen(scene, order)
    return fits and moved.get(sentence.verb, False)


def _seen(scene: Scene, order: list[int]) -> set[str]:
    """Name the relations that hold at some moment."""
    found: set[str] = set()
    for step in range(11):
        places = scene.places(step / 10)
        a, b = places[order[0]], places[order[1]]
        if a is not None and b is not None:
            found |= {"left"} if a[0] < b[0] else {"right"} if a[0] > b[0] else set()
            found |= {"above"} if a[1] < b[1] else {"below"} if a[1] > b[1] else set()
    return found

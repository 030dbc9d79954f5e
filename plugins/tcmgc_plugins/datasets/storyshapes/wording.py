"""Sentences: claims in varied words, and which of the words are about which scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .attributes import COLOURS, HORIZONTAL
from .claim import relation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from .claim import Claim
    from .scene import Scene, Thing

NOUNS = {
    "circle": ("circle", "disc"),
    "square": ("square", "box"),
    "triangle": ("triangle",),
    "diamond": ("diamond",),
    "star": ("star",),
    "cross": ("cross",),
    "ring": ("ring", "hoop"),
    "moon": ("moon", "crescent"),
}
SIZE_WORDS = {"small": ("small", "little", "tiny"), "large": ("large", "big", "huge")}
SPEED_WORDS = {"slow": ("slowly", "gently"), "fast": ("quickly", "rapidly")}
MOVES = ("moves", "slides", "glides", "travels")
TOWARDS = {
    "left": ("to the left", "leftwards"),
    "right": ("to the right", "rightwards"),
    "up": ("up", "upwards"),
    "down": ("down", "downwards"),
}
HAPPENS = {
    "still": ("rests", "stays", "sits"),
    "appear": ("appears", "shows up", "pops up"),
    "vanish": ("vanishes", "disappears"),
}
SWAPS = ("swap places", "trade places", "change places")
ROWS = ("along the top", "through the middle", "along the bottom")
COLUMNS = ("on the left side", "through the middle", "on the right side")
PLACES = {
    (0, 0): ("at the top left",),
    (1, 0): ("at the top",),
    (2, 0): ("at the top right",),
    (0, 1): ("on the left",),
    (1, 1): ("in the middle", "in the centre"),
    (2, 1): ("on the right",),
    (0, 2): ("at the bottom left",),
    (1, 2): ("at the bottom",),
    (2, 2): ("at the bottom right",),
}
RELATIONS = {
    "above": ("above", "over"),
    "below": ("below", "under"),
    "left": ("to the left of", "left of"),
    "right": ("to the right of", "right of"),
}
ALONE = ("{0}", "{0}", "in this video {0}", "we see that {0}")
BOTH = ("{0}, then {1}", "first {0}, then {1}", "{0} and after that {1}", "{1} after {0}", "before {1}, {0}")
PICTURES = ("{0}", "{0}", "a picture of {0}", "there is {0}")


def tell(random: Random, claims: Sequence[Claim]) -> tuple[str, list[tuple[int, int]]]:
    """Write a sentence about one or two scenes.

    Returns
    -------
    tuple
        The sentence, and for each claim the characters [start, end) that are about it.
    """
    clauses = [clause(random, claim) for claim in claims]
    frame = random.choice(ALONE if len(clauses) == 1 else BOTH)
    text, spans = "", [(0, 0)] * len(clauses)
    while frame:
        before, brace, frame = frame.partition("{")
        text += before
        if brace:
            number, frame = int(frame[0]), frame[2:]
            spans[number] = (len(text), len(text) + len(clauses[number]))
            text += clauses[number]
    return text, spans


def clause(random: Random, claim: Claim) -> str:
    """Write a main clause about one scene."""
    scene, first = claim.scene, claim.scene.things[0]
    subject = _noun_phrase(random, first, sized="size" in claim.details)
    other = ""
    if len(scene.things) == 2:
        other = _noun_phrase(random, scene.things[1], sized="other size" in claim.details)
    if scene.swap:
        return f"{subject} and {other} {random.choice(SWAPS)}"
    where = _where(random, claim, other)
    if first.motion != "move":
        return _joined(subject, random.choice(HAPPENS[first.motion]), where)
    assert first.direction is not None
    verb, towards = random.choice(MOVES), random.choice(TOWARDS[first.direction])
    if "speed" not in claim.details:
        return _joined(subject, verb, towards, where)
    speed = random.choice(SPEED_WORDS[str(first.speed)])
    orders = ((speed, verb, towards), (verb, speed, towards), (verb, towards, speed))
    return _joined(subject, *random.choice(orders), where)


def describe_picture(random: Random, scene: Scene) -> str:
    """Write what a single picture of a scene shows, before anything moves; for images, not videos."""
    first = scene.things[0]
    phrase = _noun_phrase(random, first, sized=random.random() < 0.6)
    if len(scene.things) == 1:
        phrase = _joined(phrase, random.choice(PLACES[first.column, first.row]))
    else:
        other = _noun_phrase(random, scene.things[1], sized=random.random() < 0.4)
        seen = relation(scene)
        assert seen is not None
        phrase = _joined(phrase, random.choice(RELATIONS[seen]), other)
    return random.choice(PICTURES).format(phrase)


def vocabulary() -> list[str]:
    """List every word that a sentence can hold, sorted."""
    tables: list[object] = [NOUNS, SIZE_WORDS, SPEED_WORDS, MOVES, TOWARDS, HAPPENS, SWAPS, ROWS, COLUMNS]
    tables += [PLACES, RELATIONS, ALONE, BOTH, PICTURES, ("a", "an", "and")]
    words = {word.strip(",") for phrase in _phrases([*tables, tuple(COLOURS)]) for word in phrase.split()}
    return sorted({word for word in words if "{" not in word} | {","})


def _phrases(tables: object) -> list[str]:
    if isinstance(tables, str):
        return [tables]
    items = tables.values() if isinstance(tables, dict) else tables
    return [phrase for item in items for phrase in _phrases(item)]  # type: ignore[attr-defined]


def _where(random: Random, claim: Claim, other: str) -> str:
    first = claim.scene.things[0]
    if other:
        return f"{random.choice(RELATIONS[str(relation(claim.scene))])} {other}"
    if "place" not in claim.details:
        return ""
    if first.direction is None:
        return random.choice(PLACES[first.column, first.row])
    return ROWS[first.row] if first.direction in HORIZONTAL else COLUMNS[first.column]


def _noun_phrase(random: Random, thing: Thing, *, sized: bool) -> str:
    words = [random.choice(SIZE_WORDS[thing.size])] if sized else []
    words += [thing.colour, random.choice(NOUNS[thing.shape])]
    return " ".join(["an" if words[0][0] in "aeiou" else "a", *words])


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)

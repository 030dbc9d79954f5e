"""Stories: what one video shows and what its captions say, and how a split of them is drawn.

Stories come in pairs. The scenes that the captions of two partners tell differ in one attribute; the other
scenes of both are of their own. So every caption has one video that is almost right, and the attribute says
what it takes to tell the two apart. No caption is true of any video of its split but its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from .attributes import BACKGROUNDS
from .chance import draw_scene
from .changes import ATTRIBUTES, TEMPORAL, Attribute, changes
from .claim import Claim, Key, keys, told_by
from .compositions import split_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcmgc.data.clip import SplitName

    from .claim import Detail
    from .scene import Scene

RATE = 8
"""Frames a second."""
SCENE_FRAMES = (8, 16)
"""Least and most frames of a scene."""
SCENES = (2, 2, 3, 3)
"""How many scenes a video has; each entry is as likely as the others."""
TOLD = (1, 1, 1, 2, 2)
"""How many of them a caption tells."""
BORROWED = 0.5
"""Share of the other scenes that are one attribute away from a scene that some caption tells."""
MOTION = 0.4
"""Share of pairs whose attribute is one of `TEMPORAL`."""


@dataclass(frozen=True)
class Telling:
    """What a caption says: claims, by the number of their scene in the story, in the order of time."""

    scenes: tuple[int, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Story:
    """What a video shows.

    Parameters
    ----------
    scenes
        In the order of time.
    lengths
        Frames of each.
    ground
        The background's colour.
    tellings
        One a caption.
    attribute
        In what its partner's told scenes differ from its own.
    """

    scenes: tuple[Scene, ...]
    lengths: tuple[int, ...]
    ground: tuple[int, int, int]
    tellings: tuple[Telling, ...]
    attribute: str

    @property
    def temporal(self) -> bool:
        """Whether its partner's told scenes show the same frames in another order."""
        return self.attribute in TEMPORAL


def draw_stories(
    split: SplitName,
    count: int,
    *,
    seed: int,
    captions: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Story]:
    """Draw the stories of a split; partners stand side by side.

    Parameters
    ----------
    split
        Whose compositions they show.
    count
        How many, an even number.
    seed
        The same one gives the same stories.
    captions
        Captions a story.
    progress
        Called with the stories drawn and the stories in all.
    """
    if count % 2:
        raise ValueError(f"{count} stories, but they come in pairs")
    random = Random(f"storyshapes {seed} {split} {captions}")
    drawn = _Drawn()
    while len(drawn.stories) < count:
        pair = _draw_pair(random, split, captions, drawn.told)
        if drawn.admits(pair):
            drawn.add(pair)
            if progress is not None:
                progress(len(drawn.stories), count)
    return drawn.stories


@dataclass
class _Drawn:
    """Stories so far, indexed so that a new one is compared with the few that come close."""

    stories: list[Story] = field(default_factory=list)
    told: list[Scene] = field(default_factory=list)
    _by_scene: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))
    _by_claim: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))

    def admits(self, pair: tuple[Story, Story]) -> bool:
        """Whether every claim is true of one scene of its story, and no caption of two stories.

        Of the stories that there are, those are looked at that share a key with the pair.
        """
        for story, partner in (pair, pair[::-1]):
            claims = [claim for telling in story.tellings for claim in telling.claims]
            if any(sum(claim.holds(scene) for scene in story.scenes) != 1 for claim in claims):
                return False
            others = [partner, *self._near(self._by_scene, {claim.key for claim in claims})]
            if any(told_by(t.claims, other.scenes) for t in story.tellings for other in others):
                return False
            shown = {key for scene in story.scenes for key in keys(scene)}
            for other in self._near(self._by_claim, shown):
                if any(told_by(telling.claims, story.scenes) for telling in other.tellings):
                    return False
        return True

    def add(self, pair: tuple[Story, Story]) -> None:
        for story in pair:
            number = len(self.stories)
            self.stories.append(story)
            for key in {key for scene in story.scenes for key in keys(scene)}:
                self._by_scene[key].add(number)
            for claim in (claim for telling in story.tellings for claim in telling.claims):
                self._by_claim[claim.key].add(number)
                self.told.append(claim.scene)

    def _near(self, index: dict[Key, set[int]], wanted: set[Key]) -> list[Story]:
        numbers: set[int] = set()
        for key in wanted:
            numbers |= index.get(key, set())
        return [self.stories[number] for number in sorted(numbers)]


def _draw_pair(random: Random, split: SplitName, captions: int, told: Sequence[Scene]) -> tuple[Story, Story]:
    while True:
        attribute = _draw_attribute(random)
        scenes = [
            draw_scene(random, split) for _ in range(2 if attribute == "order" else random.choice(TOLD))
        ]
        others = _change(random, scenes, attribute, split)
        if others is not None:
            break
    return (
        _draw_story(random, split, scenes, attribute, captions, told),
        _draw_story(random, split, others, attribute, captions, told),
    )


def _draw_attribute(random: Random) -> str:
    temporal = random.random() < MOTION
    return random.choice([name for name in (*ATTRIBUTES, "order") if (name in TEMPORAL) == temporal])


def _change(random: Random, scenes: list[Scene], attribute: str, split: SplitName) -> list[Scene] | None:
    if attribute == "order":
        return scenes[::-1]
    places = list(range(len(scenes)))
    random.shuffle(places)
    for place in places:
        changed = _variants(scenes[place], attribute, split)  # type: ignore[arg-type]
        if changed:
            return [*scenes[:place], random.choice(changed), *scenes[place + 1 :]]
    return None


def _variants(scene: Scene, attribute: Attribute, split: SplitName) -> list[Scene]:
    return [other for other in changes(scene, attribute) if split_of(other.composition) == split]


def _draw_story(
    random: Random,
    split: SplitName,
    told: list[Scene],
    attribute: str,
    captions: int,
    earlier: Sequence[Scene],
) -> Story:
    count = max(random.choice(SCENES), len(told) + 1)
    places = tuple(sorted(random.sample(range(count), len(told))))
    scenes = [_draw_other(random, split, earlier) for _ in range(count)]
    for place, scene in zip(places, told, strict=True):
        scenes[place] = scene
    tellings = tuple(
        Telling(places, tuple(Claim(scene, _draw_details(random, scene, attribute)) for scene in told))
        for _ in range(captions)
    )
    return Story(
        scenes=tuple(scenes),
        lengths=tuple(random.randint(*SCENE_FRAMES) for _ in scenes),
        ground=random.choice(BACKGROUNDS),
        tellings=tellings,
        attribute=attribute,
    )


def _draw_other(random: Random, split: SplitName, earlier: Sequence[Scene]) -> Scene:
    """Draw a scene that no caption of its story tells."""
    if not earlier or random.random() >= BORROWED:
        return draw_scene(random, split)
    while True:
        changed = _variants(random.choice(earlier), random.choice(ATTRIBUTES), split)
        if changed:
            return random.choice(changed)


def _draw_details(random: Random, scene: Scene, attribute: str) -> frozenset[Detail]:
    """Choose what to tell besides: what makes the difference is always told, for every scene."""
    first, alone = scene.things[0], len(scene.things) == 1
    details: set[Detail] = set()
    if random.random() < 0.5 or attribute == "size":
        details.add("size")
    if not alone and random.random() < 0.4:
        details.add("other size")
    if first.speed is not None and (random.random() < 0.5 or attribute == "speed"):
        details.add("speed")
    if alone and (first.motion == "still" or attribute == "place" or random.random() < 0.5):
        details.add("place")
    return frozenset(details)

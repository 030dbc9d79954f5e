"""The annotations of StoryShapes: clips, captions, moments and links."""

from __future__ import annotations

from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from tcmgc.data.clip import Caption, Clip, Link, Moment, Split

from .story import RATE
from .wording import tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tcmgc.data.clip import SplitName

    from .story import Story, Telling


def annotate(name: SplitName, stories: Sequence[Story], videos: Path, *, seed: int) -> Split:
    """Write captions for a split's stories.

    Parameters
    ----------
    name
        The split.
    stories
        From `draw_stories`.
    videos
        The folder of their files.
    seed
        Of the wording.
    """
    random = Random(f"storyshapes words {seed} {name}")
    clips, captions = [], []
    for number, story in enumerate(stories):
        # Stories come in pairs, one after the other.
        pair = f"{name}-pair-{number // 2:05d}"
        clip = Clip(clip_id(name, number), videos / f"{clip_id(name, number)}.mp4", group=pair)
        clips.append(clip)
        for index, telling in enumerate(story.tellings):
            captions.append(_caption(random, story, telling, clip, index))
    rule = "one a clip" if len(captions) == len(clips) else f"{len(stories[0].tellings)} a clip"
    return Split(name, tuple(clips), tuple(captions), rule, len(stories))


def clip_id(name: SplitName, number: int) -> str:
    """Name a story's clip."""
    return f"{name}-{number:05d}"


def _caption(random: Random, story: Story, telling: Telling, clip: Clip, index: int) -> Caption:
    text, spans = tell(random, telling.claims)
    ends = [frames / RATE for frames in accumulate(story.lengths, initial=0)]
    return Caption(
        id=f"{clip.id}#{index}",
        clip=clip.id,
        text=text,
        moments=tuple(Moment(ends[scene], ends[scene + 1]) for scene in telling.scenes),
        links=tuple(Link(start, end, moment) for moment, (start, end) in enumerate(spans)),
        tags=("motion" if story.temporal else "look", story.attribute),
    )

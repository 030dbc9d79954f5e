"""What StoryShapes promises about its scenes and captions, before anything is rendered."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from storyshapes_reader import in_order, is_true, read
from tcmgc_plugins.datasets.storyshapes.annotations import annotate
from tcmgc_plugins.datasets.storyshapes.chance import draw_scene
from tcmgc_plugins.datasets.storyshapes.changes import ATTRIBUTES, TEMPORAL, changes
from tcmgc_plugins.datasets.storyshapes.claim import Claim, told_by
from tcmgc_plugins.datasets.storyshapes.compositions import split_of
from tcmgc_plugins.datasets.storyshapes.dataset import SIZES, StoryShapes
from tcmgc_plugins.datasets.storyshapes.drawing import draw_frames
from tcmgc_plugins.datasets.storyshapes.pictures import draw_pictures
from tcmgc_plugins.datasets.storyshapes.scene import Scene, Thing
from tcmgc_plugins.datasets.storyshapes.story import SCENE_FRAMES, Story, draw_stories
from tcmgc_plugins.datasets.storyshapes.wording import vocabulary
from tcmgc_plugins.encoders.storyshapes_clip.pictures_seen import training_compositions

if TYPE_CHECKING:
    from pathlib import Path

SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def stories() -> dict[str, list[Story]]:
    return {split: draw_stories(split, 200, seed=3) for split in SPLITS}


def test_splits_share_no_composition_of_colours_and_shapes(stories: dict[str, list[Story]]) -> None:
    shown = {
        split: {scene.composition for story in told for scene in story.scenes}
        for split, told in stories.items()
    }
    for split, compositions in shown.items():
        assert {split_of(composition) for composition in compositions} == {split}
        assert len(compositions) > 50


def test_pictures_that_trained_the_encoder_show_train_compositions_alone(
    stories: dict[str, list[Story]],
) -> None:
    """All of them: the weights that ship say which they were."""
    pictures, count = training_compositions()
    held_out = {s.composition for split in ("val", "test") for story in stories[split] for s in story.scenes}
    assert count == 40_000
    assert {split_of(composition) for composition in pictures} == {"train"}
    assert not pictures & held_out


def test_every_colour_and_every_shape_is_in_every_split(stories: dict[str, list[Story]]) -> None:
    for told in stories.values():
        things = [thing for story in told for scene in story.scenes for thing in scene.things]
        assert len({thing.colour for thing in things}) == 8
        assert len({thing.shape for thing in things}) == 8


def test_a_caption_is_true_of_its_own_video_alone(stories: dict[str, list[Story]], tmp_path: Path) -> None:
    """As a reader understands the words, against every other video; nothing of the drawing is used."""
    for name, told in stories.items():
        split = annotate(name, told, tmp_path, seed=0)  # type: ignore[arg-type]
        for number, caption in enumerate(split.captions):
            sentences = [
                read(caption.text[link.start : link.end])
                for link in sorted(caption.links, key=lambda link: link.moment)
            ]
            true_of = [other for other, story in enumerate(told) if in_order(sentences, story.scenes)]
            assert true_of == [number], caption.text
            for sentence in sentences:
                assert sum(is_true(sentence, scene) for scene in told[number].scenes) == 1, caption.text


def test_partners_differ_in_the_attribute_that_they_name(stories: dict[str, list[Story]]) -> None:
    for told in stories.values():
        for story, partner in zip(told[::2], told[1::2], strict=True):
            assert story.attribute == partner.attribute
            mine = [claim.scene for claim in story.tellings[0].claims]
            theirs = [claim.scene for claim in partner.tellings[0].claims]
            if story.attribute == "order":
                assert mine == theirs[::-1]
                continue
            differing = [(a, b) for a, b in zip(mine, theirs, strict=True) if a != b]
            assert len(differing) == 1
            assert differing[0][1] in changes(differing[0][0], story.attribute)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", range(SCENE_FRAMES[0], SCENE_FRAMES[1] + 1))
def test_temporal_partners_show_the_same_frames_in_another_order(
    stories: dict[str, list[Story]], length: int
) -> None:
    seen = Counter(story.attribute for told in stories.values() for story in told)
    assert set(seen) == {*ATTRIBUTES, "order"}
    for story, partner in zip(stories["test"][::2], stories["test"][1::2], strict=True):
        if story.attribute not in TEMPORAL:
            continue
        mine, theirs = (
            [draw_frames(claim.scene, length, (0, 0, 0)) for claim in shown.tellings[0].claims]
            for shown in (story, partner)
        )
        if story.attribute == "order":
            theirs = theirs[::-1]
        for drawn, other in zip(mine, theirs, strict=True):
            assert np.array_equal(drawn, other) or np.array_equal(drawn, other[::-1])


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_a_change_can_be_told_and_is_undone_by_another(attribute: str) -> None:
    random = Random(5)
    details = frozenset({"size", "speed", "place"})
    met = 0
    for _ in range(200):
        scene = draw_scene(random, "train")
        known = details if len(scene.things) == 1 else frozenset({"size", "speed"})
        for other in changes(scene, attribute):  # type: ignore[arg-type]
            met += 1
            assert not Claim(scene, known).holds(other)
            assert scene in changes(other, attribute)  # type: ignore[arg-type]
    assert met > 20


def test_a_swap_is_the_same_told_from_either_side() -> None:
    one, two = Thing("star", "red", "small", 0, 0), Thing("ring", "blue", "large", 2, 0)
    claim = Claim(Scene((one, two), swap=True), frozenset({"size"}))
    assert claim.holds(Scene((two, one), swap=True))
    assert not claim.holds(Scene((one, two)))
    bigger = Thing("star", "red", "large", 0, 0)
    assert not claim.holds(Scene((two, bigger), swap=True))


def test_links_point_at_the_words_about_each_moment(stories: dict[str, list[Story]], tmp_path: Path) -> None:
    split = annotate("test", stories["test"], tmp_path, seed=3)
    for caption, story in zip(split.captions, stories["test"], strict=True):
        assert len(caption.moments) == len(caption.links) == len(story.tellings[0].claims)
        starts = [moment.start for moment in caption.moments]
        assert starts == sorted(starts)
        for link, claim in zip(caption.links, story.tellings[0].claims, strict=True):
            words = caption.text[link.start : link.end]
            assert str(claim.scene.things[0].colour) in words
            assert caption.moments[link.moment].end - caption.moments[link.moment].start >= 1.0
        assert caption.tags[0] == ("motion" if story.temporal else "look")


def test_captions_use_the_vocabulary_alone(stories: dict[str, list[Story]], tmp_path: Path) -> None:
    known = set(vocabulary())
    texts = [caption.text for s in SPLITS for caption in annotate(s, stories[s], tmp_path, seed=0).captions]
    texts += [picture.caption for picture in draw_pictures(500, seed=1)]
    words = {word for text in texts for word in text.replace(",", " ,").split()}
    assert words <= known
    assert len(set(texts)) > 0.95 * len(texts)


def test_several_captions_a_video(tmp_path: Path) -> None:
    stories = draw_stories("val", 40, seed=0, captions=4)
    split = annotate("val", stories, tmp_path, seed=0)
    assert len(split.captions) == 160
    assert split.caption_rule == "4 a clip"
    for start in range(0, 160, 4):
        assert len({caption.text for caption in split.captions[start : start + 4]}) > 1
    for story in stories:
        for telling in story.tellings:
            assert sum(told_by(telling.claims, other.scenes) for other in stories) == 1


def test_sizes() -> None:
    assert {size: sum(counts.values()) for size, counts in SIZES.items()} == {
        "mini": 96,
        "quick": 1120,
        "full": 10_000,
    }
    assert min(SIZES[size]["test"] for size in ("quick", "full")) >= 200


def test_the_content_of_version_1() -> None:
    """Whoever changes what is drawn or told raises VERSION, and this digest with it."""
    dataset = StoryShapes(size="mini", root="/nowhere")
    told = []
    for split in SPLITS:
        for story, caption in zip(dataset.stories(split), dataset.split(split).captions, strict=True):
            told.append([caption.id, caption.text, caption.tags, story.lengths, story.ground])
            told.append([asdict(thing) for scene in story.scenes for thing in scene.things])
            told.append([list(asdict(moment).values()) for moment in caption.moments])
    pixels = hashlib.sha256()
    for story in dataset.stories("test")[:8]:
        for scene, length in zip(story.scenes, story.lengths, strict=True):
            pixels.update(draw_frames(scene, length, story.ground).tobytes())
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
    assert dataset.version == "1 mini, seed 0, captions 1"
    assert (digest[:16], pixels.hexdigest()[:16]) == ("010cc2a37d30579a", "2a3231e0c58e497b")

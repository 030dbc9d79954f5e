"""Galleries of copies: as large as asked for, in no more memory than allowed."""

from __future__ import annotations

import math
import time

import pytest
import torch

import tcmgc
from tcmgc import Sizes
from tcmgc.cost.random_features import random_features
from tcmgc_benchmarks.bench.cost.prepared_gallery import PreparedGallery
from tcmgc_benchmarks.bench.cost.score_gallery import score_gallery
from tcmgc_benchmarks.bench.cost.stopwatch import ROUNDS, walk_gallery

STATE = {"vector": torch.arange(3.0).unsqueeze(1), "mask": torch.ones(3, dtype=torch.bool)}
BYTES = 4 + 1


def walked(gallery: PreparedGallery, size: int) -> list[float]:
    places, values = [], []
    for place, state in gallery.blocks(size):
        assert 0 < place.stop - place.start == len(state["mask"]) <= size
        places += range(place.start, place.stop)
        values += state["vector"].flatten().tolist()
    assert places == list(range(gallery.videos))
    return values


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize(("memory", "distinct"), [(1000, 11), (7 * BYTES, 7), (1, 3)])
def test_every_video_once_and_no_more_memory(memory: int, distinct: int, size: int) -> None:
    gallery = PreparedGallery(STATE, 11, memory)
    assert gallery.distinct == distinct
    expected = [float(video % distinct % 3) for video in range(11)]
    assert walked(gallery, size) == expected


def test_what_is_timed_gives_the_scores() -> None:
    model = tcmgc.build("tcmgc", Sizes(32, 20, 3), overrides={"stages.video": []})
    text, video = random_features(model, 4, 5)
    queries, state = model.prepare_text(text), model.prepare_video(video)
    gallery = PreparedGallery(state, 23, 10**9)
    total, videos = score_gallery(model, queries, gallery, 12, math.inf)
    assert videos == 23
    expected = model.similarity(text, video)
    torch.testing.assert_close(total, expected[:, torch.arange(23) % 5])


def test_patience() -> None:
    model = tcmgc.build("clip4clip-meanp", Sizes(32, 6, 3))
    text, video = random_features(model, 1, 5)
    gallery = PreparedGallery(model.prepare_video(video), 100, 10**9)

    def slowly() -> dict[str, torch.Tensor]:
        time.sleep(0.05)
        return dict(model.prepare_text(text))

    left = walk_gallery(model, slowly, gallery, 10, patience=0.01)
    assert (left.videos, left.rounds) == (10, 1), "the first tile alone"
    assert left.seconds > 0.05
    whole = walk_gallery(model, slowly, gallery, 10, patience=60)
    assert (whole.videos, whole.rounds) == (100, ROUNDS)
    assert 0.05 < whole.seconds < 0.5

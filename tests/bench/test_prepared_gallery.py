"""Galleries of copies: as large as asked for, in no more memory than allowed."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch

import tcmgc
from tcmgc import Sizes
from tcmgc.cost.random_features import random_features
from tcmgc_benchmarks.bench.cost import score_gallery as score_gallery_module
from tcmgc_benchmarks.bench.cost import stopwatch
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


def test_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that only the preparation of the texts moves, each time by another time."""
    model = tcmgc.build("clip4clip-meanp", Sizes(32, 6, 3))
    text, video = random_features(model, 1, 5)
    gallery = PreparedGallery(model.prepare_video(video), 100, 10**9)
    took, now = [2.0, 9.0, 5.0, 1.0, 4.0, 2.0, 3.0], 0.0

    def slowly() -> dict[str, torch.Tensor]:
        nonlocal now
        now += took.pop(0)
        return dict(model.prepare_text(text))

    for module in (score_gallery_module, stopwatch):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now))
    left = walk_gallery(model, slowly, gallery, 10, patience=1.9)
    assert (left.videos, left.rounds, left.seconds) == (10, 1, 2.0), "the first tile alone"
    whole = walk_gallery(model, slowly, gallery, 10, patience=45)
    assert (whole.videos, whole.rounds, whole.seconds) == (100, ROUNDS, 3.0), "the median, without the first"
    assert not took

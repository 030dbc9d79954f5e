"""How long one text takes against a gallery of prepared videos, for some shipped recipes.

    pytest benchmarks/speed/test_query_speed.py --benchmark-enable --benchmark-only

`tcmgc bench cost` says the same of every recipe, and for 100,000 videos. Without ``--benchmark-enable`` every
case runs once, as a test.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

import tcmgc
from tcmgc import Sizes
from tcmgc.cost.random_features import random_features
from tcmgc.tiles import Tiling
from tcmgc_benchmarks.bench.cost.prepared_gallery import PreparedGallery
from tcmgc_benchmarks.bench.cost.score_gallery import score_gallery

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

VIDEOS, MEMORY = 1000, 10**9


@pytest.mark.parametrize("recipe", ["tcmgc", "xclip", "xpool", "clip4clip-meanp"])
def test_query(recipe: str, benchmark: BenchmarkFixture) -> None:
    model = tcmgc.build(recipe, Sizes(128, 32, 12), overrides={"stages.video": []})
    text, video = random_features(model, 1, 16)
    gallery = PreparedGallery(model.prepare_video(video), VIDEOS, MEMORY)
    tile = Tiling.of(model.scorer, model.logit_scale)
    benchmark.extra_info |= {"videos": VIDEOS, "threads": torch.get_num_threads(), "device": "cpu"}

    def query() -> tuple[torch.Tensor, int]:
        return score_gallery(model, model.prepare_text(text), gallery, tile.texts * tile.videos, math.inf)

    total, videos = benchmark.pedantic(query, warmup_rounds=1, rounds=5)
    assert videos == VIDEOS
    assert torch.isfinite(total).all()
    assert total.shape == (1, VIDEOS)

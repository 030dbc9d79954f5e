"""Memory of scoring: the prepared gallery, and a tile for each thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

import tcmgc
from tcmgc import Sizes
from tcmgc.cost.index_bytes import index_bytes
from tcmgc.cost.scoring_cost import scoring_cost
from tcmgc.cost.scoring_memory import scoring_memory
from tcmgc.tiles import Tiling

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = Sizes(dim=64, max_words=32, max_frames=12)


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def model_of(recipe: str) -> tcmgc.RetrievalModel:
    return tcmgc.build(recipe, SIZES, overrides={"stages.video": []})


@pytest.mark.parametrize("recipe", ["tcmgc", "xclip"])
def test_grows_by_the_index(recipe: str) -> None:
    model = model_of(recipe)
    torch.set_num_threads(1)
    least = Tiling.of(model.scorer, model.logit_scale).videos
    assert scoring_memory(model, least + 5000) - scoring_memory(model, least) == 5000 * index_bytes(model)


def test_every_thread_has_a_tile() -> None:
    model, found = model_of("tcmgc"), []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(scoring_memory(model, 1000))
    tile = found[1] - found[0]
    assert found[2] - found[1] == tile
    # What the scorer believed of a tile when it was cut is about what it takes.
    tiling = Tiling.of(model.scorer, model.logit_scale)
    assert tile == pytest.approx(tiling.texts * tiling.videos * model.scorer.floats_per_pair * 4, rel=0.9)
    assert found[0] - 1000 * index_bytes(model) == tile


def test_leaves_the_threads_as_they_were() -> None:
    torch.set_num_threads(3)
    scoring_memory(model_of("clip4clip-meanp"), 10)
    assert torch.get_num_threads() == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu() -> None:
    """FLOPs and index are those of the CPU; one tile at a time is in memory, and a larger one."""
    model = model_of("tcmgc")
    on_cpu = scoring_cost(model, 1000)
    on_gpu = scoring_cost(model.to("cuda"), 1000)
    names = ("flops_per_text", "flops_per_video", "flops_per_pair", "index_bytes_per_video")
    assert [getattr(on_gpu, name) for name in names] == [getattr(on_cpu, name) for name in names]
    assert on_gpu.scoring_memory_bytes > 1000 * on_gpu.index_bytes_per_video

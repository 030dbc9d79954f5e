"""Bytes of tensors that are alive, by hand and as the profiler counts them."""

from __future__ import annotations

import pytest
import torch

import tcmgc
from tcmgc import Sizes
from tcmgc.cost.random_features import random_features
from tcmgc.cost.tensor_memory import TensorMemory
from tcmgc.tiles import Tiling
from tcmgc_benchmarks.bench.peak import peak_bytes


def test_by_hand() -> None:
    given = torch.ones(1000)
    with TensorMemory() as memory:
        one = given + 1
        assert memory.alive == 4000
        two = torch.cat([one, one])
        assert (memory.alive, memory.peak) == (12_000, 12_000)
        del one
        assert (memory.alive, memory.peak) == (8_000, 12_000)
        view = two[:10].view(2, 5)
        del two
        assert memory.alive == 8_000, "a view keeps all of it"
        del view
        assert (memory.alive, memory.peak) == (0, 12_000)


def test_what_was_there_takes_nothing() -> None:
    given = torch.ones(1000)
    with TensorMemory() as memory:
        given.view(10, 100).add_(1)
        given[:5].mul_(2)
    assert memory.peak == 0


def test_temporaries_count_at_the_worst_moment() -> None:
    with TensorMemory() as memory:
        for _ in range(5):
            torch.ones(100).double()
    assert memory.peak == 400 + 800
    assert memory.alive == 0


@pytest.mark.parametrize("recipe", ["tcmgc", "xclip"])
def test_as_the_profiler_counts(recipe: str) -> None:
    """Which sees what operations allocate for themselves besides."""
    model = tcmgc.build(recipe, Sizes(64, 16, 8), overrides={"stages.video": []})
    text, video = random_features(model, 8, 32)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with TensorMemory() as memory:
            scores = model.scores(text, video, tiling=Tiling(8, 32))
        result = [scores.total, *scores.parts.values()]
        ours = memory.peak - sum(tensor.nbytes for tensor in result)
        del scores, result

        def work() -> list[torch.Tensor]:
            scores = model.scores(text, video, tiling=Tiling(8, 32))
            return [scores.total, *scores.parts.values()]

        theirs = peak_bytes(work, "cpu")
    finally:
        torch.set_num_threads(threads)
    assert ours == pytest.approx(theirs, rel=0.25)

"""How long `RetrievalModel.scores` takes, for each shipped recipe, on synthetic features.

Run all:

    pytest benchmarks/speed --benchmark-enable --benchmark-only

or one recipe and size, and compare with an earlier run:

    pytest benchmarks/speed --benchmark-enable --benchmark-only -k "tcmgc and small" --benchmark-autosave
    pytest-benchmark compare

``extra_info`` of a saved run has the pairs, the threads and the device, by which a time is to be read.
Without ``--benchmark-enable`` every case runs once, as a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch

import tcmgc
from tcmgc import Sizes, TextFeatures, Tokens, VideoFeatures

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

RECIPES = ("tcmgc", "xclip", "xpool", "ucofia", "drl-wti", "drl-xti", "clip4clip-meanp", "clip4clip-tight")


@dataclass(frozen=True)
class Gallery:
    """As many texts as videos."""

    items: int
    words: int
    frames: int
    patches_a_frame: int
    dim: int

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.dim, self.words, self.frames, self.frames * self.patches_a_frame)

    def features(self) -> tuple[TextFeatures, VideoFeatures]:
        generator = torch.Generator().manual_seed(0)

        def draw(*shape: int) -> torch.Tensor:
            return torch.randn(self.items, *shape, self.dim, generator=generator)

        def tokens(length: int) -> Tokens:
            return Tokens.full(draw(length))

        patches = tokens(self.frames * self.patches_a_frame)
        return (
            TextFeatures(sentence=draw(), words=tokens(self.words)),
            VideoFeatures(tokens(self.frames), extra={"patches": patches}),
        )


GALLERIES = {
    "small": Gallery(items=16, words=12, frames=4, patches_a_frame=2, dim=64),
    "plain": Gallery(items=64, words=32, frames=12, patches_a_frame=4, dim=128),
}


@pytest.mark.parametrize("size", GALLERIES)
@pytest.mark.parametrize("recipe", RECIPES)
def test_scoring(recipe: str, size: str, benchmark: BenchmarkFixture) -> None:
    gallery = GALLERIES[size]
    text, video = gallery.features()
    model = tcmgc.build(recipe, gallery.sizes)
    benchmark.extra_info |= {
        "pairs": gallery.items**2,
        "threads": torch.get_num_threads(),
        "device": text.tokens("words").values.device.type,
    }
    scores = benchmark.pedantic(model.scores, args=(text, video), warmup_rounds=1, rounds=5)
    assert scores.total.shape == (gallery.items, gallery.items)
    assert torch.isfinite(scores.total).all()

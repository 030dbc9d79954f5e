"""Losses where text i is not of video i: against sums, and against the same pairs in order."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

import tcmgc
from model_cases import SIZES, T, V, galleries
from tcmgc import TextFeatures, VideoFeatures
from tcmgc.scores import Scores
from tcmgc_plugins.losses.infonce import InfoNCE

NOTHING = (TextFeatures(), galleries()[1])
"""Features, which InfoNCE does not look at."""


def surprise(logits: list[float], own: int) -> float:
    """- log softmax(logits)[own]."""
    return math.log(sum(math.exp(x) for x in logits)) - logits[own]


@pytest.mark.parametrize(
    "pairs",
    [*itertools.permutations(range(3)), (0, 0, 2), (1, 3, 0), (3, 1, 3, 0, 2)],
    ids=str,
)
def test_infonce_is_the_sum_over_pairs(pairs: tuple[int, ...]) -> None:
    """Also with several texts of a video, and with videos that no text is of."""
    videos = max(3, *(video + 1 for video in pairs))
    generator = torch.Generator().manual_seed(1)
    total = torch.randn(len(pairs), videos, generator=generator, dtype=torch.float64)
    S = total.tolist()
    by_text = [surprise(S[i], video) for i, video in enumerate(pairs)]
    by_video = [surprise([row[video] for row in S], i) for i, video in enumerate(pairs)]
    expected = (sum(by_text) + sum(by_video)) / (2 * len(pairs))
    found = InfoNCE()(Scores(total, {}), *NOTHING, torch.tensor(pairs), None)
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("matches", ["pooled", "random", "best", "weighted"])
@pytest.mark.parametrize("pairs", [(2, 0, 1), (1, 0, 2), (0, 1, 2)], ids=str)
def test_pairs_say_whose_video_it_is(pairs: tuple[int, ...], matches: str) -> None:
    """The loss of texts whose videos are given in another order is that of the ordered ones."""
    overrides = [f"losses.cdcr.matches={matches}", "losses.cdcr.alpha2=0.06", "losses.cdcr.weight=1"]
    recipe = "drl-dp" if matches == "pooled" else "drl-wti"
    model = tcmgc.build(recipe, SIZES, overrides=overrides, seed=1, dtype=torch.float64)
    text, video = galleries(3)
    video = video[:T]
    rows = torch.tensor(pairs)

    def terms(video: VideoFeatures, pairs: torch.Tensor | None) -> dict[str, float]:
        generator = torch.Generator().manual_seed(0)
        found = model.loss(text, video, pairs, generator).terms
        return {name: term.item() for name, term in found.items()}

    found = terms(video, rows)
    assert found == pytest.approx(terms(video[rows], None))
    ordered = terms(video, None)
    for name, value in ordered.items():
        assert (found[name] == pytest.approx(value)) is (pairs == (0, 1, 2)), name


def test_several_texts_of_a_video() -> None:
    """CDCR of texts and pairs that repeat is that of the videos repeated."""
    model = tcmgc.build("drl-wti", SIZES, seed=1, dtype=torch.float64)
    text, video = galleries(3)
    rows = torch.tensor([V - 1, 0, V - 1])
    terms = model.loss(text, video, rows).terms
    repeated = model.loss(text, video[rows]).terms
    assert terms["cdcr"].item() == pytest.approx(repeated["cdcr"].item())

"""The calibration's arithmetic, against slow loops and simulations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tcmgc.data.clip import Caption, Clip, Moment, Split
from tcmgc.data.frames import SplitFrames
from tcmgc_plugins.datasets.storyshapes.calibration import conditions
from tcmgc_plugins.datasets.storyshapes.calibration.conditions import Mean, mean_of
from tcmgc_plugins.datasets.storyshapes.calibration.moments import mean_scores, oracle_scores
from tcmgc_plugins.datasets.storyshapes.calibration.shuffling import (
    first_places,
    predicted_first_places,
    told_apart,
)

if TYPE_CHECKING:
    from pathlib import Path


def gallery(tmp_path: Path) -> SplitFrames:
    """Three clips of up to four frames, the second of two; moments of one, two and no frames."""
    moments = [(Moment(0.0, 1.5),), (Moment(0.0, 0.5), Moment(1.5, 2.5)), (Moment(7.0, 8.0),)]
    clips = tuple(Clip(str(i), tmp_path) for i in range(3))
    captions = tuple(Caption(f"{i}#0", str(i), "", moments[i]) for i in range(3))
    times = np.array([[0.2, 1.2, 2.2, 3.2], [0.2, 1.7, np.nan, np.nan], [1.2, 2.2, 3.2, 4.2]])
    split = Split("test", clips, captions, "one a clip", 3)
    return SplitFrames(split, np.zeros((3, 4, 1, 1, 3), np.uint8), ~np.isnan(times), times)


def test_the_oracle_pools_the_frames_of_its_moments(tmp_path: Path) -> None:
    data = gallery(tmp_path)
    generator = torch.Generator().manual_seed(0)
    sentences = torch.randn(3, 5, generator=generator)
    frames = torch.randn(3, 4, 5, generator=generator)

    def normed(x: torch.Tensor) -> torch.Tensor:
        return x / x.norm(dim=-1, keepdim=True)

    for t, caption in enumerate(data.split.captions):
        for v in range(3):
            real = [f for f in range(4) if data.mask[v, f]]
            told = [f for f in real if any(m.start <= data.times[v, f] < m.end for m in caption.moments)]
            for scores, chosen in (
                (oracle_scores(sentences, frames, data, block=2), told or real),
                (mean_scores(sentences, frames, data), real),
            ):
                expected = normed(sentences[t]) @ normed(normed(frames[v, chosen]).mean(dim=0))
                assert scores[t, v].item() == pytest.approx(expected.item(), abs=1e-6)


def test_first_places_share_ties() -> None:
    similarity = np.array([[2.0, 1.0, 2.0], [0.0, 3.0, 1.0], [5.0, 5.0, 4.0]])
    assert first_places(similarity).tolist() == [0.5, 1.0, 0.0]


def test_the_prediction_is_what_unknown_order_gives() -> None:
    """Against scores in which a motion caption's two candidates change places at random."""
    random = np.random.default_rng(0)
    T = 40
    similarity = random.normal(size=(T, T)) + 2.0 * np.eye(T)
    motion = np.repeat(random.random(T // 2) < 0.5, 2)
    rounds = 4000
    hits = np.zeros(T)
    for _ in range(rounds):
        drawn = similarity.copy()
        for t in np.flatnonzero(motion & (random.random(T) < 0.5)):
            drawn[t, [t, t ^ 1]] = drawn[t, [t ^ 1, t]]
        hits += first_places(drawn)
    predicted = predicted_first_places(similarity, motion)
    np.testing.assert_allclose(predicted, hits / rounds, atol=0.04)
    assert 0 < predicted[motion].mean() < first_places(similarity)[motion].mean()
    np.testing.assert_array_equal(predicted[~motion], first_places(similarity)[~motion])


def test_telling_partners_apart() -> None:
    similarity = np.array([[2.0, 1.0], [3.0, 3.0]])
    assert told_apart(similarity).tolist() == [1.0, 0.5]


def test_a_mean_with_its_interval() -> None:
    random = np.random.default_rng(1)
    values = 100.0 * (random.random(400) < 0.3)
    found = mean_of(values, np.arange(400) // 2)
    half = 1.96 * values.reshape(200, 2).mean(axis=1).std() / 200**0.5
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.6)
    assert found.p < 0.001


SURE, UNSURE = Mean(12.0, 8.0, 16.0, 0.001), Mean(1.0, -2.0, 4.0, 0.4)


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        (conditions.gallery(200), True),
        (conditions.gallery(199), False),
        (conditions.zero_shot(SURE), True),
        (conditions.zero_shot(UNSURE), False),
        (conditions.best_recipe("tcmgc", 84.9), True),
        (conditions.best_recipe("tcmgc", 85.0), False),
        (conditions.leakage(0, 10, 10), True),
        (conditions.leakage(1, 10, 10), False),
        (conditions.moments(SURE), True),
        (conditions.moments(UNSURE), False),
        (conditions.moments(Mean(-5.0, -8.0, -2.0, 0.001)), False),
        (conditions.telling_motion(Mean(60.0, 55.0, 65.0, 0.001)), True),
        (conditions.telling_motion(Mean(40.0, 35.0, 45.0, 0.001)), False),
        (conditions.blind_without_order(Mean(51.0, 48.0, 54.0, 0.4)), True),
        (conditions.blind_without_order(Mean(60.0, 55.0, 65.0, 0.001)), False),
        (conditions.shuffling(SURE, SURE, UNSURE, share=40.0), True),
        (conditions.shuffling(SURE, UNSURE, SURE, share=40.0), False),
    ],
)
def test_conditions_can_fail(condition: conditions.Condition, met: bool) -> None:
    assert condition.met is met

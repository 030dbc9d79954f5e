"""Segments with a random frame each: draws stay in their stretch, evenly, and come of the generator."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcmgc.slots.sampler import RandomSampler, Sampler
from tcmgc_plugins.samplers.segment import Segment
from tcmgc_plugins.samplers.uniform import Uniform


def test_it_is_a_random_sampler() -> None:
    sampler = Segment(frames=4)
    assert isinstance(sampler, RandomSampler)
    assert isinstance(sampler.candidates, Sampler)
    assert not isinstance(sampler.candidates, RandomSampler)


def test_evaluated_it_is_uniform() -> None:
    times = np.arange(250) / 25
    assert Segment(frames=12)(times, 25.0) == Uniform(frames=12)(times, 25.0)
    assert Segment(frames=12)(times, 25.0, 2.0, 7.5) == Uniform(frames=12)(times, 25.0, 2.0, 7.5)


@given(st.integers(1, 12), st.integers(2, 5), st.integers(1, 80), st.integers(0, 9))
def test_draws_ascend_and_stay_in_their_stretch(frames: int, per_segment: int, count: int, seed: int) -> None:
    sampler = Segment(frames=frames, per_segment=per_segment)
    count = min(count, sampler.candidates.frames)
    drawn = sampler.draw(np.arange(count) / 10, np.random.default_rng(seed))
    assert drawn == sorted(set(drawn))
    assert len(drawn) == min(frames, count)
    if count > frames:
        for stretch, place in enumerate(drawn):
            assert stretch * count // frames <= place < (stretch + 1) * count // frames
    assert drawn == sampler.draw(np.arange(count) / 10, np.random.default_rng(seed))


@pytest.mark.parametrize("count", [12, 9])
def test_every_candidate_of_a_stretch_is_as_likely(count: int) -> None:
    sampler, rng, draws = Segment(frames=3, per_segment=4), np.random.default_rng(0), 4000
    seen = Counter(place for _ in range(draws) for place in sampler.draw(np.arange(count) / 10, rng))
    assert sorted(seen) == list(range(count))
    share = 3 * draws / count
    assert all(abs(times - share) < 0.12 * share for times in seen.values())

"""Samplers: the releases' rules by golden lists, and even spacing by its definition."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcmgc.errors import DataError
from tcmgc.slots.sampler import Sampler
from tcmgc_plugins.samplers.fps_then_uniform import FpsThenUniform
from tcmgc_plugins.samplers.intervals import Intervals
from tcmgc_plugins.samplers.stride_then_uniform import StrideThenUniform
from tcmgc_plugins.samplers.uniform import Uniform
from tcmgc_plugins.samplers.window import thin

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "frame_sampling.json").read_text())
MANY = 10_000


def every(count: int, fps: float) -> np.ndarray:
    return np.arange(count) / fps


@pytest.mark.parametrize("case", GOLDEN["rule_1fps"], ids=lambda case: f"{case['frames']} at {case['fps']}")
def test_one_frame_a_second_as_released(case: dict[str, object]) -> None:
    count, fps, picked = case["frames"], case["fps"], case["picked"]
    times = every(count, fps)  # type: ignore[arg-type]
    sampler = FpsThenUniform(frames=MANY, rate=1)
    if isinstance(picked, str):  # the release divides by zero
        with pytest.raises(DataError, match=r"0\.9999 frames a second"):
            sampler(times, fps)  # type: ignore[arg-type]
        return
    assert sampler(times, fps) == picked  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "case", GOLDEN["rule_other"], ids=lambda case: "-".join(map(str, list(case.values())[:5]))
)
def test_other_rates_and_windows_as_released(case: dict[str, object]) -> None:
    count, fps = case["frames"], case["fps"]
    sampler = FpsThenUniform(frames=MANY, rate=case["sample_fp"])  # type: ignore[arg-type]
    arguments = (every(count, fps), fps, case["start"], case["end"])  # type: ignore[arg-type]
    if not case["picked"] or isinstance(case["picked"], str):  # no frame, or a failed assertion
        with pytest.raises(DataError, match="sampler fps-then-uniform"):
            sampler(*arguments)  # type: ignore[arg-type]
        return
    assert sampler(*arguments) == case["picked"]  # type: ignore[arg-type]


SLICES = {"0": "first", "1": "last", "2": "even"}


@pytest.mark.parametrize("case", GOLDEN["slice"])
def test_slices_as_released(case: str) -> None:
    frames, position = (part.partition("=")[2] for part in case.split(","))
    keep: Any = SLICES[position]
    lists = GOLDEN["slice"][case]
    assert len(lists) == 100
    for count, picked in enumerate(lists, start=1):
        assert thin(list(range(count)), int(frames), keep) == picked
        # Through the sampler: a frame a second of a video of that many seconds.
        sampler = FpsThenUniform(frames=int(frames), keep=keep)
        assert sampler(every(count, 1.0), 1.0) == picked


def test_every_slice_is_looked_at() -> None:
    assert {case.rpartition("=")[2] for case in GOLDEN["slice"]} == {*SLICES}


def test_orders() -> None:
    times = every(30, 1.0)
    reverse = FpsThenUniform(frames=12, order="reversed")(times, 1.0)
    assert reverse == GOLDEN["frame_order_1_N30_mf12"]
    shuffled = [FpsThenUniform(frames=12, order="shuffled", seed=seed)(times, 1.0) for seed in (0, 0, 1)]
    assert shuffled[0] == shuffled[1] != shuffled[2]
    assert sorted(shuffled[0]) == sorted(shuffled[2]) == reverse[::-1]
    assert shuffled[0] not in (reverse, reverse[::-1])
    other = FpsThenUniform(frames=12, order="shuffled")(times + 0.5, 1.0)
    assert other != shuffled[0], "every video has an order of its own"


@pytest.mark.parametrize(
    "case", GOLDEN["drl_decord"], ids=lambda case: "-".join(map(str, list(case.values())[:4]))
)
def test_drls_rule_as_released(case: dict[str, Any]) -> None:
    sampler = StrideThenUniform(frames=case["max_frames"])
    arguments = (every(case["frames"], case["fps"]), case["fps"], case["start"], case["end"])
    if isinstance(case["picked"], str):  # the release raises
        with pytest.raises(DataError, match=r"0\.4 frames a second"):
            sampler(*arguments)
    else:
        assert sampler(*arguments) == case["picked"]


def test_drls_rule_without_a_frame_or_a_rate() -> None:
    with pytest.raises(DataError, match="no frame in the seconds 20 to 30"):
        StrideThenUniform(frames=4)(every(100, 10.0), 10.0, 20, 30)
    with pytest.raises(DataError, match="nan frames a second"):
        StrideThenUniform(frames=4)(every(100, 10.0), float("nan"))


def test_x_pools_rule_as_released() -> None:
    for count, picked in enumerate(GOLDEN["xpool_uniform_12"], start=1):
        assert Intervals(frames=12)(every(count, 25.0), 25.0) == picked


def test_x_pools_draws() -> None:
    times = every(60, 25.0)
    for pick, last in (("random", 4), ("random-released", 3)):
        draws = np.array([Intervals(frames=12, pick=pick, seed=seed)(times, 25.0) for seed in range(200)])  # type: ignore[arg-type]
        assert {*(draws - 5 * np.arange(12)).flatten().tolist()} == {*range(last + 1)}
        again = Intervals(frames=12, pick=pick, seed=7)(times, 25.0)  # type: ignore[arg-type]
        assert again == draws[7].tolist()
    assert {int(note.partition(",")[0].removeprefix("N=")) for note in GOLDEN["xpool_rand_notes"]} == {8, 23}
    for count in (8, 23):  # the release raises
        with pytest.raises(DataError, match="at least 24 frames"):
            Intervals(frames=12, pick="random-released")(every(count, 25.0), 25.0)
        assert len(Intervals(frames=12, pick="random")(every(count, 25.0), 25.0)) == min(12, count)


def test_x_pools_rule_in_a_window() -> None:
    assert Intervals(frames=2)(every(100, 10.0), 10.0, 2.0, 4.0) == [24, 34]


def test_no_rate_is_one_error() -> None:
    with pytest.raises(DataError, match="nan frames a second"):
        FpsThenUniform(frames=4)(every(10, 2.0), float("nan"))


def test_uniform_takes_the_middles() -> None:
    # 40 frames of 1/8 s in 4 stretches of 1.25 s: the middles are at 0.625, 1.875, 3.125 and 4.375 s.
    assert Uniform(frames=4)(every(40, 8.0), 8.0) == [5, 15, 25, 35]
    # Three frames of 1 s and then ten of 0.1 s: time counts, not frames.
    times = np.array([0.0, 1.0, 2.0, *(3 + np.arange(10) / 10)])
    assert Uniform(frames=4)(times, 10.0) == [0, 1, 2, 8]


def test_uniform_within_a_window() -> None:
    times = every(100, 10.0)
    assert Uniform(frames=2)(times, 10.0, 2.0, 4.0) == [25, 35]
    assert Uniform(frames=99)(times, 10.0, 2.0, 2.3) == [20, 21, 22]
    assert Uniform(frames=2)(times, 10.0, 20.0, 30.0) == [99]  # after the end: the nearest frame


def nearest_by_hand(times: list[float], frames: int, lasts: float) -> list[int]:
    """For each middle, the last frame shown by then."""
    middles = [times[0] + lasts * (2 * k + 1) / (2 * frames) for k in range(frames)]
    return [max(k for k, time in enumerate(times) if time <= middle + 1e-6) for middle in middles]


@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from([1.0, 8.0, 25.0, 29.97]))
def test_uniform_at_an_even_rate(count: int, frames: int, fps: float) -> None:
    times = every(count, fps)
    chosen = Uniform(frames=frames)(times, fps)
    assert len(chosen) == min(frames, count)
    if count > frames:
        assert chosen == nearest_by_hand(list(times), frames, count / fps)
        gaps = np.diff(chosen)
        assert not len(gaps) or gaps.max() - gaps.min() <= 1


@given(
    st.lists(st.floats(0.001, 10), min_size=1, max_size=80),
    st.integers(1, 40),
    st.one_of(st.none(), st.floats(0, 100)),
)
def test_any_times(steps: list[float], frames: int, start: float | None) -> None:
    """Ascending distinct places, for whatever rate and window."""
    times = np.cumsum(steps)
    counting = (FpsThenUniform(frames=frames), StrideThenUniform(frames=frames))
    for sampler in (Uniform(frames=frames), Intervals(frames=frames), *counting):
        assert isinstance(sampler, Sampler)
        try:
            chosen = sampler(times, 5.0, start)
        except DataError:
            assert sampler in counting
            assert start is not None
            continue
        assert 1 <= len(chosen) <= frames
        assert all(a < b for a, b in pairwise(chosen))
        assert chosen[0] >= 0
        assert chosen[-1] < len(times)

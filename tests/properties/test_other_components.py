"""What holds of every component that is no part of a model: samplers, normalizers, optimizers and others."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from component_configs import components, create
from model_cases import MODEL_SLOTS
from tcmgc import DataError
from tcmgc.evaluation import metrics
from tcmgc.ranking import Direction
from tcmgc.slots import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator

ELSEWHERE = {
    "dataset": "files and captions: tests/storyshapes",
    "reader": "pixels of video files: tests/plugins/test_readers.py",
}
"""Slots whose components have no such properties."""
HERE = ("sampler", "encoder", "optimizer", "schedule", "normalizer", "metric")


def test_every_slot_is_looked_at() -> None:
    assert {*MODEL_SLOTS, *HERE, *ELSEWHERE} == {*SLOTS}


@components("sampler")
@settings(max_examples=30)
@given(
    steps=st.lists(st.floats(0.01, 3), min_size=1, max_size=60),
    fps=st.sampled_from([1.0, 12.5, 29.97]),
    window=st.tuples(st.floats(0, 40), st.floats(0.1, 40)) | st.none(),
)
def test_samplers_choose_frames_that_there_are(
    config: dict[str, Any], steps: list[float], fps: float, window: tuple[float, float] | None
) -> None:
    sampler, times = create("sampler", config), np.cumsum(steps)
    span = (None, None) if window is None else (window[0], sum(window))
    refused = None
    try:
        chosen = sampler(times, fps, *span)
    except DataError as error:
        refused = error.where
    if refused is not None:
        assert config["name"] in refused
        return
    assert 1 <= len(chosen) <= sampler.frames
    assert all(0 <= k < len(times) for k in chosen)
    assert chosen == create("sampler", config)(times, fps, *span), "a pure function"


@components("schedule")
def test_schedules_are_factors(config: dict[str, Any]) -> None:
    schedule = create("schedule", config)
    factors = [schedule(step / 200) for step in range(201)]
    assert all(0 <= factor <= 1 for factor in factors)
    assert max(factors) > 0.9


def trained(config: dict[str, Any], kind: torch.dtype) -> Iterator[tuple[torch.Tensor, Any]]:
    """Yield two weights and their optimizer after each of six steps; one has no gradient at times."""
    weights = [nn.Parameter(torch.linspace(-1, 1, n, dtype=kind)) for n in (4, 3)]
    groups = [
        {"params": [w], "lr": rate, "weight_decay": 0.1} for w, rate in zip(weights, (0.1, 0.01), strict=True)
    ]
    update = create("optimizer", config)(groups)
    for step in range(6):
        for weight in weights:
            weight.grad = weight.detach().cos() * (step + 1)
        if step % 2:
            weights[1].grad = None
        before = weights[1].detach().clone()
        update.step()
        assert not step % 2 or torch.equal(weights[1], before), "without a gradient nothing moves"
        yield torch.cat([weight.detach() for weight in weights]), update


@components("optimizer")
def test_optimizers_move_weights_and_stay_finite(config: dict[str, Any]) -> None:
    steps = [weights for weights, _ in trained(config, torch.float64)]
    assert all(torch.isfinite(weights).all() for weights in steps)
    assert (steps[0] != steps[-1]).any()
    in_float32 = [weights for weights, _ in trained(config, torch.float32)]
    assert torch.allclose(in_float32[-1].double(), steps[-1], rtol=1e-5, atol=1e-6)


@components("optimizer")
def test_state_of_optimizers_survives_a_save_and_a_load(config: dict[str, Any]) -> None:
    weights = nn.Parameter(torch.linspace(-1, 1, 5, dtype=torch.float64))
    update = create("optimizer", config)([{"params": [weights], "lr": 0.1, "weight_decay": 0.1}])

    def step(weight: nn.Parameter, optimizer: torch.optim.Optimizer, times: int) -> torch.Tensor:
        for _ in range(times):
            weight.grad = weight.detach().cos()
            optimizer.step()
        return weight.detach().clone()

    step(weights, update, 3)
    other = nn.Parameter(weights.detach().clone())
    loaded = create("optimizer", config)([{"params": [other], "lr": 0.5, "weight_decay": 0.0}])
    file = io.BytesIO()
    torch.save(update.state_dict(), file)
    file.seek(0)
    loaded.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(step(weights, update, 3), step(other, loaded, 3))


Q, G, B = 5, 4, 7


def normalizer_inputs(seed: int, scale: float, direction: Direction) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    bank = (B, G) if direction == "t2v" else (Q, B)
    return tuple(  # type: ignore[return-value]
        scale * torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((Q, G), bank)
    )


@components("normalizer")
@pytest.mark.parametrize("direction", get_args(Direction))
@settings(max_examples=5)
@given(
    seed=st.integers(0, 999),
    scale=st.sampled_from([1.0, 100.0]),
    texts=st.permutations(range(Q)),
    videos=st.permutations(range(G)),
    queries=st.permutations(range(B)),
)
def test_normalizers(
    config: dict[str, Any],
    direction: Direction,
    seed: int,
    scale: float,
    texts: list[int],
    videos: list[int],
    queries: list[int],
) -> None:
    """Permutations go through them, the bank has no order, and float32 is enough."""
    normalizer = create("normalizer", config)
    scores, bank = normalizer_inputs(seed, scale, direction)

    def rescored(scores: torch.Tensor, bank: torch.Tensor) -> torch.Tensor:
        given = {"a": bank} if normalizer.needs == "bank" else None
        before = copy.deepcopy((scores, bank))
        found: torch.Tensor = normalizer({"a": scores}, given, direction)["a"]
        assert torch.equal(scores, before[0]), "what is given stays"
        assert torch.equal(bank, before[1])
        return found

    found = rescored(scores, bank)
    assert torch.isfinite(found).all()
    moved = bank[queries][:, videos] if direction == "t2v" else bank[texts][:, queries]
    permuted = rescored(scores[texts][:, videos], moved)
    assert torch.allclose(permuted, found[texts][:, videos], rtol=1e-12, atol=1e-9)
    narrow = rescored(scores.float(), bank.float())
    assert narrow.dtype == torch.float32
    assert torch.allclose(narrow.double(), found, rtol=1e-4, atol=1e-4 * scale)
    if normalizer.needs != "test-queries":  # then a query's scores do not depend on the others
        one = slice(2, 3)
        alone, own = (scores[one], bank) if direction == "t2v" else (scores[:, one], bank)
        expected = found[one] if direction == "t2v" else found[:, one]
        assert torch.allclose(rescored(alone, own), expected, rtol=1e-12, atol=1e-9)


@components("metric")
@settings(max_examples=10)
@given(
    seed=st.integers(0, 999),
    texts=st.permutations(range(6)),
    videos=st.permutations(range(4)),
    ties=st.booleans(),
)
def test_metrics_do_not_depend_on_the_order(
    config: dict[str, Any], seed: int, texts: list[int], videos: list[int], ties: bool
) -> None:
    measures = {config["name"]: create("metric", config)}
    scores = np.random.default_rng(seed).normal(size=(6, 4))
    scores = np.round(scores) if ties else scores
    clips = np.array([0, 0, 1, 2, 3, 3])
    place = np.argsort(videos)
    before = metrics(scores, clips, measures=measures)
    after = metrics(scores[texts][:, videos], place[clips[texts]], measures=measures)
    for direction, found in before.items():
        for policy in ("optimistic", "expected", "pessimistic"):
            values, moved = found[policy], after[direction][policy]  # type: ignore[literal-required]
            assert values.keys() == moved.keys()
            assert all(np.isfinite(value) for value in values.values())
            assert all(moved[name] == pytest.approx(value) for name, value in values.items())

"""Normalizers against the published formulas in numpy, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, get_args

import numpy as np
import pytest
import torch

from tcmgc import ConfigError, DataError, PluginError, Scores
from tcmgc.app import current_registry
from tcmgc.normalized_scores import normalized_scores
from tcmgc.ranking import Direction

if TYPE_CHECKING:
    from tcmgc.slots.normalizer import AppliesTo, Needs

T, V, B = 7, 6, 9
DIRECTIONS = get_args(Direction)


def create(name: str, **config: Any) -> Any:
    return current_registry().create("normalizer", {"name": name, **config}, {})


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).uniform(0.1, 1.0, shape)


def rescore(
    name: str, scores: np.ndarray, bank: np.ndarray | None, direction: Direction, **config: Any
) -> Any:
    given = None if bank is None else {"total": torch.from_numpy(bank)}
    return create(name, **config)({"total": torch.from_numpy(scores)}, given, direction)["total"].numpy()


def released_dual_softmax(scores: np.ndarray, temperature: float) -> np.ndarray:
    """One cell at a time, queries in rows."""
    found = np.empty_like(scores)
    for q, g in np.ndindex(scores.shape):
        prior = np.exp(scores[q, g] / temperature) / np.exp(scores[:, g] / temperature).sum()
        found[q, g] = scores[q, g] * prior * len(scores)
    return found


def released_qb_norm(scores: np.ndarray, bank: np.ndarray, beta: float, k: int) -> np.ndarray:
    """One query at a time, queries in rows."""
    activated = {int(g) for row in bank for g in np.argsort(-row)[:k]}
    return np.stack(
        [
            np.exp(beta * row) / np.exp(beta * bank).sum(axis=0) if int(np.argmax(row)) in activated else row
            for row in scores
        ]
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("temperature", [0.05, 1.0, 1000.0])
def test_dual_softmax(direction: Direction, temperature: float) -> None:
    scores = random(T, V)
    turned = scores if direction == "t2v" else scores.T
    expected = released_dual_softmax(turned, temperature)
    found = rescore("dual-softmax", scores, None, direction, temperature=temperature)
    np.testing.assert_allclose(found if direction == "t2v" else found.T, expected, atol=1e-12)


def test_dual_softmax_takes_queries_from_candidates_that_want_others() -> None:
    """Candidate 0 is everybody's best; it wants query 0, and query 1 gets its second best."""
    scores = np.array([[0.9, 0.1], [0.8, 0.7]])
    found = rescore("dual-softmax", scores, None, "t2v", temperature=0.1)
    assert scores.argmax(axis=1).tolist() == [0, 0]
    assert found.argmax(axis=1).tolist() == [0, 1]


def test_dual_softmax_of_one_query_changes_nothing() -> None:
    scores = random(1, V)
    np.testing.assert_allclose(rescore("dual-softmax", scores, None, "t2v"), scores)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("beta", "k"), [(20.0, 1), (0.5, 2), (3.0, 99)])
def test_qb_norm(direction: Direction, beta: float, k: int) -> None:
    scores = random(T, V, seed=1)
    bank = random(B, V, seed=2) if direction == "t2v" else random(T, B, seed=2)
    if k == 1:  # candidates 0 and 1 are activated, so that some queries are and others are not
        side = bank if direction == "t2v" else bank.T
        side[:, 0], side[0, 1] = 2.0, 3.0
    found = rescore("qb-norm", scores, bank, direction, beta=beta, k=k)
    if direction == "v2t":
        scores, bank, found = scores.T, bank.T, found.T
    released = released_qb_norm(scores, bank, beta, k)
    raw = (released == scores).all(axis=1)
    assert raw.any() == (k == 1)
    assert not raw.all()
    # The logarithm over beta where the release divides; so the ranks of every query are the release's.
    np.testing.assert_allclose(found[~raw], np.log(released[~raw]) / beta, atol=1e-12)
    np.testing.assert_array_equal(found[raw], scores[raw])
    np.testing.assert_array_equal(np.argsort(-found), np.argsort(-released))


@pytest.mark.parametrize("name", ["dual-softmax", "qb-norm", "sinkhorn"])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_large_scores_in_float32(name: str, direction: Direction) -> None:
    """At a scale where exp of a score, or of beta times it, is beyond float32."""
    scores, bank = random(T, V, scale=300.0), random(T, V, seed=3, scale=300.0)
    exact = rescore(name, scores, bank, direction)
    found = rescore(name, scores.astype(np.float32), bank.astype(np.float32), direction)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-3)


def scores_of(*parts: np.ndarray) -> Scores:
    tensors = {f"part-{k}": torch.from_numpy(part) for k, part in enumerate(parts)}
    return Scores(mean(tensors), tensors)


def mean(parts: Any) -> torch.Tensor:
    return torch.stack(list(parts.values())).mean(dim=0)


def test_total_or_parts() -> None:
    """The published place of each: sinkhorn on every granularity, the others on what ranks."""
    scores, bank = (
        scores_of(random(T, V), random(T, V, seed=1)),
        scores_of(random(B, V), random(B, V, seed=1)),
    )
    for name, place in (("sinkhorn", "parts"), ("qb-norm", "total"), ("dual-softmax", "total")):
        normalizer = create(name)
        assert normalizer.applies_to == place
        found = normalized_scores(normalizer, scores, bank, "t2v", mean)
        touched = [not torch.equal(found.parts[part], scores.parts[part]) for part in scores.parts]
        assert touched == [place == "parts"] * 2
        assert not torch.equal(found.total, scores.total)
        given = {"total": scores.total} if place == "total" else scores.parts
        known = {"total": bank.total} if place == "total" else bank.parts
        rescored = normalizer(given, known, "t2v")
        assert torch.equal(found.total, rescored["total"] if place == "total" else mean(rescored))


def test_what_each_looks_at() -> None:
    needs = {name: create(name).needs for name in current_registry().names("normalizer")}
    assert needs == {"dual-softmax": "test-queries", "qb-norm": "bank", "sinkhorn": "bank"}


@pytest.mark.parametrize("name", ["qb-norm", "sinkhorn"])
def test_a_bank_that_is_missing_or_empty(name: str) -> None:
    scores = scores_of(random(T, V))
    with pytest.raises(ConfigError, match="no bank"):
        normalized_scores(create(name), scores, None, "t2v", mean)
    with pytest.raises(DataError, match="no training query"):
        normalized_scores(create(name), scores, scores_of(random(0, V)), "t2v", mean)


class Odd:
    """A normalizer of a plugin, that returns what it is told to."""

    needs: ClassVar[Needs] = "nothing"
    applies_to: ClassVar[AppliesTo] = "parts"

    def __init__(self, **found: torch.Tensor) -> None:
        self.found = found

    def __call__(self, parts: Any, bank: Any, direction: Direction) -> dict[str, torch.Tensor]:
        assert bank is None
        return self.found


def test_what_a_normalizer_may_not_return() -> None:
    scores = Scores(torch.ones(2, 2), {"a": torch.ones(2, 2), "b": torch.zeros(2, 2)})
    fine = {"b": torch.full((2, 2), 3.0), "a": torch.ones(2, 2)}
    for odd, error, said in (
        ({"a": fine["a"]}, PluginError, "score b after normalizer Odd"),
        ({**fine, "c": fine["a"]}, PluginError, r"score c .*\n.*shape \[2, 2\]\n.*none"),
        ({**fine, "a": torch.ones(2)}, PluginError, r"found: +shape \[2\]"),
        ({**fine, "a": torch.tensor([[1.0, 1.0], [1.0, torch.nan]])}, DataError, "text 1 and video 1"),
    ):
        with pytest.raises(error, match=said):
            normalized_scores(Odd(**odd), scores, None, "t2v", mean)
    # An aggregator goes by order: the model's, whatever the normalizer's is.
    ordered = normalized_scores(Odd(**fine), scores, scores, "t2v", lambda parts: next(iter(parts.values())))
    assert torch.equal(ordered.total, fine["a"])

"""Ranks with ties kept, against orders enumerated one by one, and on bad input."""

from itertools import permutations
from math import comb
from time import process_time
from tracemalloc import get_traced_memory, start, stop
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tcmgc.errors import ConfigError, DataError
from tcmgc.first_relevant import first_rank_cdf, first_rank_pmf
from tcmgc.poisson_binomial import probability_below
from tcmgc.ranking import Direction, V2TRule, rank

Problem: TypeAlias = tuple[np.ndarray, np.ndarray]


@st.composite
def tied_problems(draw: st.DrawFn) -> Problem:
    """A small matrix with many ties, and a video for each text."""
    videos = draw(st.integers(1, 5))
    extra = draw(st.lists(st.integers(0, videos - 1), max_size=4))
    groups = draw(st.permutations([*range(videos), *extra]))
    level = st.sampled_from([-1.5, -0.0, 0.0, 1.0])
    rows = [draw(st.lists(level, min_size=videos, max_size=videos)) for _ in groups]
    return np.array(rows, dtype=draw(st.sampled_from(["f2", "f4", "f8", ">f4"]))), np.array(groups)


def tie_groups(scores: list[float], relevant: list[bool]) -> list[tuple[int, int, int]]:
    """What Ranking keeps of one query, by counting."""
    return [
        (sum(s > level for s in scores), sum(s == level for s in scores), own.count(level))
        for own in [[s for s, r in zip(scores, relevant, strict=True) if r]]
        for level in sorted(set(own), reverse=True)
    ]


def queries_of(
    similarity: np.ndarray, groups: np.ndarray, direction: Direction, rule: V2TRule
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scores and relevance of each query's items."""
    videos = similarity.shape[1]
    if direction == "t2v":
        return [(row, np.arange(videos) == own) for row, own in zip(similarity, groups, strict=True)]
    if rule == "best-caption":
        return [(similarity[:, v], groups == v) for v in range(videos)]
    best = np.array([similarity[groups == v].max(axis=0) for v in range(videos)])
    return [(best[:, v], np.arange(videos) == v) for v in range(videos)]


@pytest.mark.parametrize("rule", ["caption-group", "best-caption"])
@pytest.mark.parametrize("direction", ["t2v", "v2t"])
@settings(deadline=None)
@given(problem=tied_problems())
def test_tie_groups_are_those_counted_by_hand(problem: Problem, direction: Direction, rule: V2TRule) -> None:
    ranking = rank(*problem, direction, rule)
    expected = [tie_groups(list(scores), list(own)) for scores, own in queries_of(*problem, direction, rule)]
    rows = list(zip(ranking.above, ranking.size, ranking.relevant, strict=True))
    found = [rows[a:b] for a, b in zip(ranking.start[:-1], ranking.start[1:], strict=True)]
    assert found == expected
    assert ranking.queries == len(expected)
    assert ranking.tied_queries == sum(any(n > r for _, n, r in groups) for groups in expected)
    assert ranking.items == len(queries_of(*problem, direction, rule)[0][0])


@pytest.mark.parametrize("rule", ["caption-group", "best-caption"])
@pytest.mark.parametrize("direction", ["t2v", "v2t"])
@settings(deadline=None)
@given(problem=tied_problems())
def test_blocks_do_not_change_the_result(problem: Problem, direction: Direction, rule: V2TRule) -> None:
    whole = rank(*problem, direction, rule)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tcmgc.similarity_checks.BLOCK_ELEMENTS", 3)
        blocks = rank(*problem, direction, rule)
    for name in ("above", "size", "relevant", "start"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(blocks, name))


@settings(deadline=None)
@given(above=st.integers(0, 3), size=st.integers(1, 6), data=st.data())
def test_first_rank_distribution_is_that_of_all_orders(above: int, size: int, data: st.DataObject) -> None:
    relevant = data.draw(st.integers(1, size))
    first = np.array(
        [
            above + 1 + min(order[:relevant]) for order in permutations(range(size))
        ]  # positions of the relevant
    )
    group = np.array([above]), np.array([size]), np.array([relevant])
    for k in range(-1, above + size + 2):
        assert first_rank_cdf(*group, k)[0] == pytest.approx((first <= k).mean(), abs=1e-15)
        if 0 <= k - above <= size:
            exact = comb(size - (k - above), relevant) / comb(size, relevant)
            assert 1 - first_rank_cdf(*group, k)[0] == pytest.approx(exact, abs=1e-15)
    pmf = first_rank_pmf(size, relevant)
    np.testing.assert_allclose(pmf, [(first == above + 1 + m).mean() for m in range(len(pmf))], atol=1e-15)


def test_first_rank_distribution_of_a_large_group() -> None:
    above, size, relevant = np.array([7]), np.array([60_000]), np.array([60])
    exact = 1 - comb(60_000 - 500, 60) / comb(60_000, 60)
    assert first_rank_cdf(above, size, relevant, 507)[0] == pytest.approx(exact, rel=1e-12)
    pmf = first_rank_pmf(60_000, 60)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert pmf[:500].sum() == pytest.approx(exact, rel=1e-10)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 4)), min_size=1, max_size=6))
def test_poisson_binomial_is_the_convolution(pairs: list[tuple[float, int]]) -> None:
    distribution = np.ones(1)
    for p, trials in pairs:
        for _ in range(trials):
            distribution = np.convolve(distribution, [1 - p, p])
    limits = np.arange(-1, len(distribution) + 2)
    exact = [distribution[: max(0, limit)].sum() for limit in limits]
    p_U, n_U = (np.array(column) for column in zip(*pairs, strict=True))
    np.testing.assert_allclose(probability_below(limits, p_U, n_U), exact, atol=1e-12)


@pytest.mark.parametrize("p", [1e-4, 0.01, 0.5, 0.937])
def test_poisson_binomial_of_equal_trials_is_binomial(p: float) -> None:
    limits = np.array([0, 1, 10, 600, 29_900, 30_000, 30_100, 56_220, 60_000, 60_001])
    exact = binom.cdf(limits - 1, 60_000, p)
    found = probability_below(limits, np.array([p]), np.array([60_000]))
    np.testing.assert_allclose(found, exact, atol=1e-11)


@pytest.mark.parametrize(
    ("similarity", "groups", "message"),
    [
        (np.zeros(3), None, r"shape \[3\]"),
        (np.zeros((2, 2, 2)), None, r"shape \[2, 2, 2\]"),
        (np.zeros((0, 0)), None, "empty"),
        (np.zeros((3, 0)), None, "empty"),
        (np.zeros((2, 2), dtype=int), None, "dtype int64"),
        (np.zeros((2, 2), dtype=complex), None, "dtype complex128"),
        (np.zeros((2, 2), dtype=object), None, "dtype object"),
        (np.zeros((3, 2)), None, "the video of each text"),
        (np.zeros((3, 2)), np.array([0, 1]), "2 entries"),
        (np.zeros((3, 2)), np.array([0, 1, 2]), "text 2\n  found:    video column 2"),
        (np.zeros((3, 2)), np.array([0, -1, 1]), "text 1\n  found:    video column -1"),
        (np.zeros((3, 2)), np.array([0, 0, 0]), "no text for 1 of 2 videos, the first in column 1"),
        (np.zeros((3, 2)), np.array([0.0, 1.0, 1.0]), "float64"),
        (np.zeros((3, 2)), np.array([[0], [1], [1]]), r"shape \[3, 1\]"),
        (np.zeros((3, 2)), np.array(["0", "1", "1"]), "expected: a list of 3 integers"),
    ],
)
@pytest.mark.parametrize("direction", ["t2v", "v2t"])
def test_what_does_not_fit_is_one_error(
    similarity: np.ndarray, groups: np.ndarray | None, message: str, direction: Direction
) -> None:
    with pytest.raises(DataError, match=message):
        rank(similarity, groups, direction)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("direction", ["t2v", "v2t"])
def test_a_score_that_is_not_finite_is_named(
    bad: float, direction: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcmgc.similarity_checks.BLOCK_ELEMENTS", 8)
    similarity = np.zeros((5, 5), dtype=np.float32)
    similarity[3, 1] = bad
    with pytest.raises(DataError, match=rf"row 3, column 1\n  found:    {bad}"):
        rank(similarity, direction=direction)


def test_unknown_options_are_errors() -> None:
    with pytest.raises(ConfigError, match="did you mean 't2v'"):
        rank(np.eye(2), direction="t2i")
    with pytest.raises(ConfigError, match="did you mean 'best-caption'"):
        rank(np.eye(2), None, "v2t", "best_caption")


@pytest.mark.parametrize(
    ("direction", "rule"), [("t2v", "caption-group"), ("v2t", "caption-group"), ("v2t", "best-caption")]
)
def test_a_large_matrix_takes_seconds_and_little_memory(direction: Direction, rule: V2TRule) -> None:
    rng = np.random.default_rng(0)
    similarity = rng.standard_normal((20_000, 1_000), dtype=np.float32)
    groups = rng.permutation(np.arange(20_000) % 1_000)
    start()
    began = process_time()
    ranking = rank(similarity, groups, direction, rule)
    seconds, peak = process_time() - began, get_traced_memory()[1]
    stop()
    assert ranking.queries == (20_000 if direction == "t2v" else 1_000)
    assert peak < similarity.nbytes
    assert seconds < 10

"""Metrics against the mean over all tie orders, and against the published codes where those are sound."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from itertools import pairwise, permutations, product
from math import log2
from pathlib import Path
from statistics import median
from time import process_time
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

from tcmgc.errors import ConfigError, DataError
from tcmgc.evaluation import metrics
from tcmgc.ranking import Direction, V2TRule, rank
from tcmgc.slots.metric import Ties
from tcmgc_plugins.metrics.mean_rank import MeanRank
from tcmgc_plugins.metrics.mean_reciprocal_rank import MeanReciprocalRank
from tcmgc_plugins.metrics.median_rank import MedianRank
from tcmgc_plugins.metrics.ndcg import NDCG
from tcmgc_plugins.metrics.recall import Recall
from tcmgc_plugins.metrics.sum_recall import SumRecall

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden"
MATRICES = load_file(GOLDEN / "metrics.safetensors")
PUBLISHED = json.loads((GOLDEN / "metrics.json").read_text())
MEASURES = {
    "recall": Recall(),
    "median-rank": MedianRank(),
    "mean-rank": MeanRank(),
    "sum-recall": SumRecall(),
    "mean-reciprocal-rank": MeanReciprocalRank(),
    "ndcg": NDCG(),
}
LOWER_IS_BETTER = {"mdr", "mnr"}

Problem: TypeAlias = tuple[np.ndarray, np.ndarray]
Relevance: TypeAlias = tuple[bool, ...]
"""Of the items of one query in one order, best first."""
Orders: TypeAlias = "Counter[Relevance]"
"""Of one query: each outcome, and the number of tie orders that give it."""


@st.composite
def tied_problems(draw: st.DrawFn) -> Problem:
    """A matrix small enough to enumerate."""
    videos = draw(st.integers(1, 4))
    extra = draw(st.lists(st.integers(0, videos - 1), max_size=5 - videos))
    groups = draw(st.permutations([*range(videos), *extra]))
    level = st.sampled_from([-1.0, 0.0, 0.5])
    rows = [draw(st.lists(level, min_size=videos, max_size=videos)) for _ in groups]
    return np.array(rows), np.array(groups)


def enumerate_orders(problem: Problem, direction: Direction, rule: V2TRule) -> list[Orders]:
    similarity, groups = problem
    videos = similarity.shape[1]
    if direction == "t2v":
        queries = [
            (row, [v == own for v in range(videos)]) for row, own in zip(similarity, groups, strict=True)
        ]
    elif rule == "best-caption":
        queries = [(similarity[:, v], list(groups == v)) for v in range(videos)]
    else:
        best = np.array([similarity[groups == v].max(axis=0) for v in range(videos)])
        queries = [(best[:, v], [u == v for u in range(videos)]) for v in range(videos)]
    found = []
    for scores, relevant in queries:
        orders = permutations(range(len(scores)))
        sorted_orders = [o for o in orders if all(scores[a] >= scores[b] for a, b in pairwise(o))]
        found.append(Counter(tuple(bool(relevant[item]) for item in order) for order in sorted_orders))
    return found


def first(relevance: Relevance) -> int:
    return relevance.index(True) + 1


def ndcg(relevance: Relevance) -> float:
    gains = [1 / log2(1 + position) for position in range(1, len(relevance) + 1)]
    return 100 * sum(g for g, r in zip(gains, relevance, strict=True) if r) / sum(gains[: sum(relevance)])


PER_QUERY: dict[str, Callable[[Relevance], float]] = {
    "r1": lambda relevance: 100.0 * (first(relevance) <= 1),
    "r2": lambda relevance: 100.0 * (first(relevance) <= 2),
    "mnr": first,
    "sumr": lambda relevance: 100.0 * sum(first(relevance) <= k for k in (1, 5, 10)),
    "mrr": lambda relevance: 100 / first(relevance),
    "ndcg": ndcg,
}


def oracle(orders: list[Orders], ties: Ties) -> dict[str, float]:
    found = {name: mean_over_queries(orders, ties, measure, name) for name, measure in PER_QUERY.items()}
    return found | {"mdr": oracle_median(orders, ties)}


def mean_over_queries(
    orders: list[Orders], ties: Ties, measure: Callable[[Relevance], float], name: str
) -> float:
    if ties == "expected":
        values = [sum(n * measure(o) for o, n in query.items()) / query.total() for query in orders]
    else:
        best = min if (ties == "optimistic") == (name in LOWER_IS_BETTER) else max
        values = [best(map(measure, query)) for query in orders]
    return sum(values) / len(values)


def oracle_median(orders: list[Orders], ties: Ties) -> float:
    if ties != "expected":
        best = min if ties == "optimistic" else max
        return median(best(map(first, query)) for query in orders)
    ranks = []
    for query in orders:
        counts: Counter[int] = Counter()
        for relevance, n in query.items():
            counts[first(relevance)] += n
        ranks.append([(position, Fraction(n, query.total())) for position, n in counts.items()])
    total = Fraction(0)
    for joint in product(*ranks):
        probability = Fraction(1)
        for _, p in joint:
            probability *= p
        total += probability * Fraction(median(Fraction(position) for position, _ in joint))
    return float(total)


@pytest.mark.parametrize("ties", get_args(Ties))
@pytest.mark.parametrize(
    ("direction", "rule"), [("t2v", "caption-group"), ("v2t", "caption-group"), ("v2t", "best-caption")]
)
@settings(deadline=None, max_examples=60)
@given(problem=tied_problems())
def test_metrics_are_those_over_all_tie_orders(
    problem: Problem, direction: Direction, rule: V2TRule, ties: Ties
) -> None:
    ranking = rank(*problem, direction, rule)
    found: dict[str, float] = {}
    for measure in (MEASURES | {"recall": Recall(ks=(1, 2))}).values():
        found |= measure(ranking, ties)
    assert found == pytest.approx(oracle(enumerate_orders(problem, direction, rule), ties), abs=1e-9)


@settings(deadline=None)
@given(problem=tied_problems())
def test_policies_are_ordered_and_agree_without_ties(problem: Problem) -> None:
    for found in metrics(*problem, measures=MEASURES).values():
        for name, expected in found["expected"].items():
            low, high = sorted([found["optimistic"][name], found["pessimistic"][name]])
            assert low - 1e-9 <= expected <= high + 1e-9
            assert (found["optimistic"][name] <= found["pessimistic"][name]) or name not in LOWER_IS_BETTER
            if not found["tied_queries"]:
                assert low == pytest.approx(high)
        assert found["values"] == found["expected"]


@pytest.mark.parametrize("size", [1, 2, 20, 1_000])
def test_a_constant_matrix_is_chance(size: int) -> None:
    began = process_time()
    found = metrics(np.zeros((size, size), dtype=np.float32), measures=MEASURES)["t2v"]
    assert process_time() - began < 5
    assert found["expected"]["r1"] == pytest.approx(100 / size)
    assert found["expected"]["mnr"] == pytest.approx((size + 1) / 2)
    assert found["expected"]["mdr"] == pytest.approx((size + 1) / 2)  # by symmetry
    assert found["expected"]["mrr"] == pytest.approx(100 * sum(1 / r for r in range(1, size + 1)) / size)
    assert found["optimistic"]["r1"] == 100
    assert found["pessimistic"]["mdr"] == size
    assert found["tied_queries"] == (0 if size == 1 else size)


def test_expected_median_is_not_the_median_of_mean_ranks() -> None:
    """Ranks 1 or 2, exactly 2, and 1, 2 or 3: the six joint orders have medians 1, 2, 2, 2, 2, 2."""
    ranking = rank(np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0], [1.0, 1.0, 1.0]]))
    assert MedianRank()(ranking, "expected")["mdr"] == pytest.approx(11 / 6)
    assert np.median(ranking.first_rank("expected")) == 2


@pytest.mark.parametrize(("queries", "decimals"), [(50, 0), (51, 1), (300, 1), (301, 0)])
@pytest.mark.parametrize("rule", get_args(V2TRule))
def test_expected_median_by_convolution_at_every_threshold(
    queries: int, decimals: int, rule: V2TRule
) -> None:
    rng = np.random.default_rng(queries)
    scores = rng.standard_normal((2 * queries, queries)).round(decimals)
    ranking = rank(scores, np.arange(2 * queries) % queries, "v2t", rule)
    middle = [(queries + 1) // 2, queries // 2 + 1]
    expectation = 0.0
    for threshold in range(ranking.items):
        distribution = np.ones(1)
        for p in ranking.within(threshold, "expected"):
            distribution = np.convolve(distribution, [1 - p, p])
        expectation += sum(distribution[:limit].sum() for limit in middle) / 2
    assert MedianRank()(ranking, "expected")["mdr"] == pytest.approx(expectation, abs=1e-9)


def groups_of(name: str) -> np.ndarray | None:
    counts = PUBLISHED[name].get("groups")
    return None if counts is None else np.repeat(np.arange(len(counts)), counts)


def published(name: str, function: str) -> dict[str, float]:
    """A published function's numbers under our names."""
    found = PUBLISHED[name][function]
    keys = {"R1": "r1", "R5": "r5", "R10": "r10", "MeanR": "mnr", "MedianR": "mdr", "MedR": "mdr"}
    return {ours: found[theirs] for theirs, ours in keys.items() if theirs in found}


SOUND = [
    ("rand", "t2v", ["clip4clip.t2v", "drl.t2v", "xpool.t2v.stable"]),
    ("rand", "v2t", ["clip4clip.v2t", "drl.v2t", "clip4clip.v2t_tensor", "xpool.v2t.stable"]),
    ("multi", "t2v", ["clip4clip.t2v_tensor.stable", "drl.t2v_tensor", "xpool.t2v.stable"]),
    ("multi", "v2t", ["clip4clip.v2t_tensor", "drl.v2t_tensor", "xpool.v2t.stable"]),
]


@pytest.mark.parametrize(("name", "direction", "functions"), SOUND)
@pytest.mark.parametrize("ties", get_args(Ties))
def test_equals_the_published_codes_where_nothing_ties(
    name: str, direction: str, functions: list[str], ties: Ties
) -> None:
    found = metrics(MATRICES[f"sim.{name}"], groups_of(name), measures=MEASURES, ties=ties)[direction]
    assert found["tied_queries"] == 0
    for function in functions:
        expected = published(name, function)
        assert {key: found["values"][key] for key in expected} == pytest.approx(expected, abs=1e-6), function


@pytest.mark.parametrize("name", ["multi", "multi_ties"])
def test_a_group_scores_as_its_best_caption(name: str) -> None:
    groups = groups_of(name)
    best = MATRICES[f"out.{name}.clip4clip.v2t_sim"]  # [video, group]
    ours = rank(MATRICES[f"sim.{name}"], groups, "v2t")
    theirs = rank(best, None, "t2v")
    np.testing.assert_array_equal(ours.above, theirs.above)
    np.testing.assert_array_equal(ours.size, theirs.size)


@pytest.mark.parametrize("name", ["ties", "const", "multi_ties"])
@pytest.mark.parametrize("function", ["xpool.t2v.stable", "xpool.v2t.stable"])
def test_one_tie_order_lies_between_the_bounds(name: str, function: str) -> None:
    direction = "t2v" if "t2v" in function else "v2t"
    found = metrics(MATRICES[f"sim.{name}"], groups_of(name), measures=MEASURES)[direction]
    for key, value in published(name, function).items():
        low, high = sorted([found["optimistic"][key], found["pessimistic"][key]])
        assert low <= value <= high


@pytest.mark.parametrize(("direction", "entries"), [("t2v", 269), ("v2t", 276)])
def test_defect_a_tied_query_is_counted_once_for_each_tied_position(
    direction: Direction, entries: int
) -> None:
    """CLIP4Clip, X-CLIP, UCoFiA and DRL collect every position of the diagonal's value."""
    ranking = rank(MATRICES["sim.ties"], None, direction)
    assert int(ranking.size.sum()) == entries == len(PUBLISHED["ties"][f"clip4clip.{direction}"]["cols"])
    counted = [a + i + 1 for a, n in zip(ranking.above, ranking.size, strict=True) for i in range(n)]
    theirs = published("ties", f"clip4clip.{direction}")
    assert np.mean(counted) == pytest.approx(theirs["mnr"])
    assert 100 * np.mean(np.array(counted) <= 1) == pytest.approx(theirs["r1"])
    assert theirs["r1"] < 0.5 * Recall(ks=(1,))(ranking, "pessimistic")["r1"]


def test_defect_the_lower_of_two_middle_ranks() -> None:
    """``tensor_text_to_video_metrics`` takes torch.median."""
    ours = MedianRank()(rank(MATRICES["sim.rand"]), "expected")
    assert (ours["mdr"], published("rand", "clip4clip.t2v_tensor.stable")["mdr"]) == (5.5, 5.0)


def test_defect_queries_with_a_nan_vanish() -> None:
    """48 of 50 queries are left in the published result; here the entry is named."""
    assert len(PUBLISHED["nan"]["clip4clip.t2v"]["cols"]) == PUBLISHED["nan"]["n_rows"] - 2
    with pytest.raises(DataError, match="row 3, column 0"):
        metrics(MATRICES["sim.nan"], measures=MEASURES)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_torch_tensors_are_read(dtype: torch.dtype) -> None:
    similarity = torch.tensor(MATRICES["sim.ties"]).to(dtype).requires_grad_()
    found = metrics(similarity, torch.arange(50), measures=MEASURES)
    assert found == metrics(MATRICES["sim.ties"], measures=MEASURES)


def test_nested_lists_are_read_and_nonsense_is_not() -> None:
    assert metrics([[1.0, 0.0], [0.0, 1.0]], [0, 1], measures=MEASURES)["t2v"]["values"]["r1"] == 100
    with pytest.raises(DataError, match="similarity"):
        metrics([[1.0, 0.0], [0.0]], measures=MEASURES)
    with pytest.raises(DataError, match="similarity"):
        metrics("s.npy", measures=MEASURES)


def test_unknown_ties_and_clashing_names_are_errors() -> None:
    unknown: Any = "expectd"
    with pytest.raises(ConfigError, match="did you mean 'expected'"):
        metrics(np.eye(2), measures=MEASURES, ties=unknown)
    with pytest.raises(ConfigError, match="r5, which another metric returns too"):
        metrics(np.eye(2), measures={"a": Recall(ks=(1, 5)), "b": Recall(ks=(5,))})


@pytest.mark.parametrize("measure", MEASURES.values())
def test_every_metric_names_its_source(measure: Any) -> None:
    assert "19" in measure.paper or "20" in measure.paper

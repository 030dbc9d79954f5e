"""Intervals and p-values against plain loops, against scipy, and on cases known by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tcmgc.ranking import Ranking
from tcmgc.statistics.bootstrap import bootstrap_means, bootstrap_medians, draw_clusters, interval
from tcmgc.statistics.permutation import EXACT, sign_flip_p
from tcmgc_plugins.metrics.mean_rank import MeanRank
from tcmgc_plugins.metrics.median_rank import MedianRank
from tcmgc_plugins.metrics.recall import Recall
from tcmgc_plugins.metrics.sum_recall import SumRecall
from tcmgc_reports.statistics.columns import NAMES
from tcmgc_reports.statistics.query_values import query_values

CLUSTERS = np.array([0, 0, 0, 1, 2, 2, 3, 4, 4, 4])
VALUES = np.array([1.0, 2.5, 2.5, 7.0, 1.0, 3.0, 9.0, 4.0, 4.0, 2.0])


def drawn_values(times: np.ndarray, values: np.ndarray, clusters: np.ndarray) -> list[float]:
    """The queries of one draw, one by one."""
    return [
        values[query]
        for cluster, count in enumerate(times)
        for _ in range(int(count))
        for query in np.flatnonzero(clusters == cluster)
    ]


@given(
    groups=st.lists(
        st.tuples(st.integers(0, 12), st.integers(1, 6)).flatmap(
            lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), st.integers(1, pair[1]))
        ),
        min_size=1,
        max_size=9,
    )
)
def test_query_values_average_to_the_registered_metrics(groups: list[tuple[int, int, int]]) -> None:
    above, size, relevant = map(np.array, zip(*groups, strict=True))
    ranking = Ranking(above, size, relevant, np.arange(len(groups) + 1), items=30)
    expected = {
        k: v for one in (Recall(), MeanRank(), SumRecall()) for k, v in one(ranking, "expected").items()
    }
    found = dict(zip(NAMES, query_values(ranking).mean(axis=0), strict=True))
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-9)
    if ranking.tied_queries == 0:
        median = np.median(query_values(ranking)[:, NAMES.index("mdr")])
        assert median == MedianRank()(ranking, "expected")["mdr"]


def test_draws_are_of_as_many_clusters_with_replacement() -> None:
    times = draw_clusters(5, draws=20_000)
    assert times.shape == (20_000, 5)
    assert (times.sum(axis=1) == 5).all()
    assert times.mean(axis=0) == pytest.approx(np.ones(5), abs=0.03)
    # A cluster is left out of a draw with probability (1 - 1/5)^5.
    assert (times == 0).mean() == pytest.approx(0.8**5, abs=0.01)
    assert (times == draw_clusters(5, draws=20_000)).all()
    assert (times != draw_clusters(5, draws=20_000, seed=1)).any()


def test_draws_are_those_of_scipy() -> None:
    values = np.random.default_rng(3).normal(size=30)
    scipys = stats.bootstrap(
        (values,), np.mean, n_resamples=400, method="percentile", rng=np.random.default_rng(11), batch=400
    )
    times = draw_clusters(30, draws=400, seed=11)
    means = bootstrap_means(times, values[:, None], np.arange(30))[:, 0]
    assert means == pytest.approx(scipys.bootstrap_distribution)
    assert interval(means) == pytest.approx(tuple(scipys.confidence_interval))


def test_means_and_medians_of_draws_by_loops() -> None:
    times = draw_clusters(5, draws=300)
    values = np.stack([VALUES, VALUES**2], axis=1)
    means = bootstrap_means(times, values, CLUSTERS)
    medians = bootstrap_medians(times, VALUES, CLUSTERS)
    for draw in range(300):
        for column in range(2):
            queries = drawn_values(times[draw], values[:, column], CLUSTERS)
            assert means[draw, column] == pytest.approx(np.mean(queries))
        assert medians[draw] == np.median(drawn_values(times[draw], VALUES, CLUSTERS))


def test_a_draw_without_queries_has_no_median() -> None:
    """As of a tag that only some videos have: the draw may have none of these."""
    clusters, values = np.array([0, 0, 1]), np.array([1.0, 2.0, 9.0])
    times = np.array([[0, 0, 3], [2, 0, 1], [1, 1, 1]], dtype=np.float64)
    medians = bootstrap_medians(times, values, clusters)
    assert np.array_equal(medians, [np.nan, 1.5, 2.0], equal_nan=True)
    means = bootstrap_means(times, values[:, None], clusters)
    assert np.array_equal(np.isnan(means[:, 0]), np.isnan(medians))
    assert interval(medians) == pytest.approx((1.5125, 1.9875))


def test_clusters_of_equal_queries_widen_an_interval() -> None:
    values = np.repeat(np.random.default_rng(0).integers(2, size=60) * 100.0, 5)[:, None]
    alone = bootstrap_means(draw_clusters(300), values, np.arange(300))[:, 0]
    by_video = bootstrap_means(draw_clusters(60), values, np.repeat(np.arange(60), 5))[:, 0]
    assert by_video.std() / alone.std() == pytest.approx(5**0.5, rel=0.05)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    times = draw_clusters(80, draws=600)
    covered = 0
    for _ in range(300):
        videos = rng.normal(size=80)
        values = (videos[:, None] + rng.normal(size=(80, 3))).reshape(-1, 1)
        low, high = interval(bootstrap_means(times, values, np.repeat(np.arange(80), 3))[:, 0])
        covered += low <= 0 <= high
    assert 0.90 <= covered / 300 <= 0.98


@given(st.lists(st.sampled_from([-200.0, -100.0, -50.0, 0.0, 50.0, 100.0]), max_size=10))
def test_few_differences_by_all_tosses(differences: list[float]) -> None:
    sums = [
        abs(sum(sign * d for sign, d in zip(signs, differences, strict=True)))
        for signs in product([-1, 1], repeat=len(differences))
    ]
    expected = np.mean([one >= abs(sum(differences)) - 1e-6 for one in sums])
    assert sign_flip_p(np.array(differences)) == pytest.approx(expected)


def test_many_differences_as_scipy() -> None:
    differences = np.random.default_rng(2).normal(0.25, 1.0, size=60)
    scipys = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    )
    assert 0.01 < scipys.pvalue < 0.3
    assert sign_flip_p(differences) == pytest.approx(scipys.pvalue, abs=0.01)


def test_p_is_never_zero_and_the_same_twice() -> None:
    apart = np.full(200, 100.0)
    assert sign_flip_p(apart, tosses=999) == 1 / 1000
    assert sign_flip_p(np.zeros(50)) == 1.0
    one_sided = np.full(EXACT, 3.0)
    assert sign_flip_p(one_sided) == 2 / 2**EXACT
    noise = np.random.default_rng(1).normal(size=99)
    assert sign_flip_p(noise) == sign_flip_p(noise)


def test_p_is_uniform_where_nothing_differs() -> None:
    rng = np.random.default_rng(8)
    found = [sign_flip_p(rng.normal(size=25), tosses=400) for _ in range(400)]
    assert np.mean(np.array(found) <= 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)

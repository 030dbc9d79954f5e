"""The table model, from run directories whose ranks are known."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tcmgc.errors import DataError
from tcmgc_reports.board.build import build_leaderboard
from tcmgc_reports.board.comparison import Comparison
from tcmgc_reports.board.leaderboard import Estimate, Leaderboard, Row
from tcmgc_reports.renderers.words import basis
from tcmgc_reports.runs.read_runs import read_runs

if TYPE_CHECKING:
    from conftest import RunsOut

Ranks = Callable[[float, int], list[int]]


def board_of(runs: RunsOut) -> Leaderboard:
    return build_leaderboard(read_runs(runs.path))


def rows_of(board: Leaderboard) -> dict[str, Row]:
    (section,) = board.sections
    return {row.label: row for row in section.rows}


def test_numbers_by_hand(runs: RunsOut) -> None:
    runs.add("a", [1, 1, 6, 12], v2t=[2, 1, 1, 1], seed=0)
    runs.add("a", [1, 3, 2, 20], v2t=[1, 1, 1, 1], seed=1)
    row = rows_of(board_of(runs))["a"]
    found = {name: one.mean for name, one in row.results["t2v"].metrics.items()}
    assert found == {"r1": 37.5, "r5": 62.5, "r10": 75.0, "mdr": 3.0, "mnr": 5.75, "sumr": 175.0}
    assert row.results["t2v"].metrics["r1"].sd == pytest.approx(np.std([50, 25], ddof=1))
    assert row.results["v2t"].metrics["r1"].mean == 87.5
    assert row.seeds == (0, 1)
    assert row.cost["train_seconds"] == 30.5
    assert row.cost["parameters"] == 1_500_000
    assert row.cost["peak_memory_bytes"] is None


def test_one_seed_has_no_spread(runs: RunsOut) -> None:
    runs.add("a", [1, 2, 3])
    board = board_of(runs)
    assert rows_of(board)["a"].results["t2v"].metrics["r1"].sd is None
    assert any("one seed only" in note for note in board.notes)


def test_ties_count_by_their_expectation(runs: RunsOut) -> None:
    runs.add("a", [(0, 4, 1), (0, 2, 1), 1, (2, 3, 2)])
    board = board_of(runs)
    found = rows_of(board)["a"].results["t2v"].metrics
    assert found["r1"].mean == pytest.approx(100 * (1 / 4 + 1 / 2 + 1 + 0) / 4)
    assert found["mnr"].mean == pytest.approx((2.5 + 1.5 + 1 + 2 + 4 / 3) / 4)
    assert any("with every tie won" in note for note in board.notes)


def test_interval_is_over_the_mean_of_the_seeds(runs: RunsOut, random_ranks: Ranks) -> None:
    clusters = [f"clip{index // 2}" for index in range(40)]
    ranks = [random_ranks(2.0, seed) for seed in (0, 1)]
    for seed in (0, 1):
        runs.add("a", ranks[seed], seed=seed, clusters=clusters)
    found = rows_of(board_of(runs))["a"].results["t2v"].metrics
    rng = np.random.default_rng(0)
    means, medians = [], []
    for _ in range(4000):
        queries = [q for video in rng.integers(20, size=20) for q in (2 * video, 2 * video + 1)]
        drawn = np.array(ranks)[:, queries]
        means.append(100 * np.mean(drawn == 1))
        medians.append(np.median(drawn, axis=1).mean())
    assert (found["r1"].low, found["r1"].high) == pytest.approx(
        tuple(np.percentile(means, [2.5, 97.5])), abs=1.5
    )
    assert (found["mdr"].low, found["mdr"].high) == pytest.approx(
        tuple(np.percentile(medians, [2.5, 97.5])), abs=0.5
    )
    assert found["r1"].low < found["r1"].mean < found["r1"].high


def test_best_group_holds_what_cannot_be_told_from_the_best(runs: RunsOut) -> None:
    best = [1] * 30 + [4] * 10
    runs.add("best", best)
    runs.add("near", [1] * 29 + [4] * 11)
    runs.add("mixed", [4] * 2 + [1] * 29 + [4] * 9)
    runs.add("worse", [3] * 30 + [9] * 10)
    rows = rows_of(board_of(runs))
    for label in ("best", "near", "mixed"):
        assert {"r1", "r5", "r10", "sumr"} <= rows[label].results["t2v"].best
    # All queries of the last row are found within 10, and none of them first.
    assert rows["worse"].results["t2v"].best == {"r10"}
    assert [*rows] == ["best", "mixed", "near", "worse"]


def test_a_row_alone_is_the_best_of_nothing(runs: RunsOut) -> None:
    runs.add("a", [1, 2, 3])
    assert rows_of(board_of(runs))["a"].results["t2v"].best == frozenset()


def test_comparison(runs: RunsOut, random_ranks: Ranks) -> None:
    clusters = [f"clip{index // 2}" for index in range(40)]
    ours = [random_ranks(2.5, seed) for seed in (0, 1, 2)]
    theirs = [random_ranks(1.0, seed) for seed in (10, 11)]
    for seed, ranks in enumerate(ours):
        runs.add("ours", ranks, seed=seed, clusters=clusters)
    for seed, ranks in enumerate(theirs):
        runs.add("theirs", ranks, seed=seed, clusters=clusters)
    runs.suite(("Care", "ours", "theirs"))
    found = board_of(runs).sections[0].comparisons
    assert [one.direction for one in found] == ["t2v", "v2t"]
    hits = [100 * (np.array(ranks) == 1) for ranks in (ours, theirs)]
    difference = hits[0].mean(axis=0) - hits[1].mean(axis=0)
    assert found[0].difference.mean == pytest.approx(difference.mean())
    by_seed = {seed: hits[0][seed].mean() - hits[1][seed].mean() for seed in (0, 1)}
    assert found[0].by_seed == pytest.approx(by_seed)
    assert found[0].difference.sd == pytest.approx(np.std([*by_seed.values()], ddof=1))
    by_video = difference.reshape(20, 2).sum(axis=1)
    rng = np.random.default_rng(0)
    drawn = by_video[rng.integers(20, size=(4000, 20))].sum(axis=1) / 40
    assert (found[0].difference.low, found[0].difference.high) == pytest.approx(
        tuple(np.percentile(drawn, [2.5, 97.5])), abs=2.0
    )
    tosses = np.abs((rng.integers(2, size=(20_000, 20)) * 2 - 1) @ by_video)
    assert found[0].p == pytest.approx(np.mean(tosses >= abs(by_video.sum()) - 1e-9), abs=0.01)


def test_equal_rows_differ_in_nothing(runs: RunsOut) -> None:
    runs.add("a", [1, 2, 1, 4])
    runs.add("b", [1, 2, 1, 4])
    runs.suite(("Nothing", "a", "b"))
    one = board_of(runs).sections[0].comparisons[0]
    assert one.difference == Estimate(0.0, None, 0.0, 0.0)
    assert (one.p, one.verdict) == (1.0, "not distinguishable from nothing")


@pytest.mark.parametrize(
    ("mean", "low", "high", "p", "by_seed", "verdict"),
    [
        (2.0, 1.0, 3.0, 0.01, {0: 2.5, 1: 1.5}, "a gain"),
        (-2.0, -3.0, -1.0, 0.01, {0: -2.0}, "a loss"),
        (2.0, 1.0, 3.0, 0.01, {}, "a gain, though seeds are missing"),
        (-2.0, -3.0, -1.0, 0.01, {}, "a loss, though seeds are missing"),
        (2.0, 1.0, 3.0, 0.01, {0: 5.0, 1: -1.0}, "a gain, though not with every seed"),
        (-2.0, -3.0, -1.0, 0.01, {0: -4.0, 1: 0.0}, "a loss, though not with every seed"),
        (2.0, -0.1, 3.0, 0.04, {}, "on the border of chance"),
        (2.0, 0.1, 3.0, 0.06, {}, "on the border of chance"),
        (2.0, -1.0, 3.0, 0.3, {}, "not distinguishable from nothing"),
    ],
)
def test_verdict(
    mean: float, low: float, high: float, p: float, by_seed: dict[int, float], verdict: str
) -> None:
    difference = Estimate(mean, None, low, high)
    assert Comparison("T", "", "a", "b", "t2v", difference, by_seed, p).verdict == verdict


GOOD, BAD = [1] * 30 + [4] * 10, [1] * 10 + [4] * 30
UNTRAINED = {"trained": False, "selection": None}


@pytest.mark.parametrize(
    ("ours", "theirs", "by_seed", "missing", "verdict"),
    [
        ((0, 1), (0,), {0: 50.0}, {"theirs": (1,)}, "a gain, though seeds are missing"),
        ((0,), (1, 2), {}, {"ours": (1, 2), "theirs": (0,)}, "a gain, though seeds are missing"),
        ((0, 1), (0, 1), {0: 50.0, 1: 50.0}, {}, "a gain"),
    ],
)
def test_a_verdict_needs_every_seed_of_both_rows(
    ours: tuple[int, ...],
    theirs: tuple[int, ...],
    by_seed: dict[int, float],
    missing: dict[str, tuple[int, ...]],
    verdict: str,
    runs: RunsOut,
) -> None:
    for label, ranks, seeds in (("ours", GOOD, ours), ("theirs", BAD, theirs)):
        for seed in seeds:
            runs.add(label, ranks, seed=seed)
    runs.suite(("Care", "ours", "theirs"))
    one = board_of(runs).sections[0].comparisons[0]
    assert (one.by_seed, one.missing, one.verdict) == (by_seed, missing, verdict)
    for label, seeds in missing.items():
        assert f"{label} has no run with seed{'s' * (len(seeds) > 1)} {seeds[0]}" in basis(one)


@pytest.mark.parametrize("question", [("ours", "start"), ("start", "ours")])
@pytest.mark.parametrize("seeds", [(0,), (5,), (0, 1)])
def test_a_row_that_was_not_trained_counts_for_every_seed(
    seeds: tuple[int, ...], question: tuple[str, str], runs: RunsOut
) -> None:
    for seed in (0, 1, 2):
        runs.add("ours", [1] * seed + GOOD[seed:], seed=seed)
    runs.add("ours", BAD, seed=3)
    for seed in seeds:
        runs.add("start", [4] * 40, seed=seed, **UNTRAINED)
    runs.suite(("Training", *question))
    one = board_of(runs).sections[0].comparisons[0]
    sign = 1 if question[0] == "ours" else -1
    assert one.by_seed == {seed: sign * hits for seed, hits in enumerate((75.0, 75.0, 75.0, 25.0))}
    assert one.difference.sd == pytest.approx(25.0)
    assert one.missing == {}
    assert one.verdict == ("a gain" if sign > 0 else "a loss")


def test_a_row_that_was_not_trained_has_no_spread(runs: RunsOut) -> None:
    for seed in (0, 1):
        runs.add("start", BAD, seed=seed, **UNTRAINED)
        runs.add("other start", GOOD, seed=seed, **UNTRAINED)
        runs.add("chance", GOOD[seed:] + BAD[:seed], seed=seed, **UNTRAINED)
        runs.add("ours", GOOD, seed=seed)
    runs.suite(("Weights", "other start", "start"))
    board = board_of(runs)
    rows = rows_of(board)
    sd = {label: row.results["t2v"].metrics["r1"].sd for label, row in rows.items()}
    # Untrained runs that are not equal drew something by their seeds; trained ones may be equal by chance.
    assert (sd["start"], sd["ours"]) == (None, 0.0)
    assert rows["start"].seeds == (0, 1)
    assert board.sections[0].comparisons[0].difference.sd is None


def test_tags(runs: RunsOut) -> None:
    tags = [["motion"], ["motion", "colour"], ["colour"], []]
    runs.add("a", [1, 2, 1, 1], tags=tags, seed=0)
    runs.add("a", [1, 1, 2, 1], tags=tags, seed=1)
    board = board_of(runs)
    assert board.sections[0].tag_queries["t2v"] == {"colour": 2, "motion": 2}
    found = rows_of(board)["a"].results["t2v"].tags
    assert {tag: one.mean for tag, one in found.items()} == {"colour": 50.0, "motion": 75.0}
    assert 0 <= found["motion"].low <= 75 <= found["motion"].high <= 100


def test_protocols_are_never_mixed(runs: RunsOut) -> None:
    other = {"dataset": "storyshapes", "frames": 8}
    runs.add("a", [1, 2], seed=0)
    runs.add("b", [1, 3], seed=0)
    runs.add("a", [1, 1], seed=1, fields=other)
    runs.suite(("A", "a", "b"))
    board = board_of(runs)
    assert [[row.label for row in section.rows] for section in board.sections] == [["a", "b"], ["a"]]
    assert board.sections[0].rows[0].seeds == (0,)
    assert board.differing["frames"] == (12, 8)
    assert "dataset" not in board.differing
    assert [len(section.comparisons) for section in board.sections] == [2, 0]


def test_rows_that_only_other_protocols_have_are_not_compared(runs: RunsOut) -> None:
    runs.add("a", [1, 2])
    runs.add("b", [1, 2], fields={"frames": 8})
    runs.suite(("A", "a", "b"), rows=["a", "b", "c"])
    board = board_of(runs)
    assert not any(section.comparisons for section in board.sections)
    assert "A: a and b were run under other protocols" in board.notes
    assert "c: in the suite, without a finished run" in board.notes


def test_newest_of_a_row_and_seed_counts(runs: RunsOut) -> None:
    runs.add("a", [1, 1], finished="2026-01-02T00:00:00Z")
    old = runs.add("a", [2, 2], suffix="-copy", finished="2026-01-01T00:00:00Z")
    board = board_of(runs)
    assert rows_of(board)["a"].results["t2v"].metrics["r1"].mean == 100.0
    assert [(run.folder, run.seed) for run in board.superseded] == [(old.name, 0)]
    assert "newer run of this row and seed" in board.superseded[0].reason


def test_seeds_of_another_make_are_not_averaged_in(runs: RunsOut) -> None:
    runs.add("a", [2, 2], seed=0, config="old")
    runs.add("a", [2, 2], seed=1, config="old")
    runs.add("a", [1, 1], seed=0, config="new", finished="2026-02-01T00:00:00Z")
    board = board_of(runs)
    row = rows_of(board)["a"]
    assert (row.seeds, row.results["t2v"].metrics["r1"].mean) == ((0,), 100.0)
    assert [run.seed for run in board.superseded] == [0, 1]
    assert all("another config" in run.reason for run in board.superseded)


def test_stale_runs_are_apart(runs: RunsOut) -> None:
    runs.add("a", [1, 2])
    gone = runs.add("b", [1, 1])
    runs.suite(rows=["a", "b"])
    folder = read_runs(runs.path)
    board = build_leaderboard(folder, lambda run: "lsa changed" if run.record.label == "b" else None)
    assert [*rows_of(board)] == ["a"]
    assert [(run.folder, run.reason) for run in board.stale] == [(gone.name, "lsa changed")]
    nothing = build_leaderboard(folder, lambda _: "all changed")
    assert (nothing.sections, len(nothing.stale), nothing.notes) == ((), 2, ())


def test_identity_of_a_row(runs: RunsOut) -> None:
    runs.add("one", [1, 2])
    for seed in (0, 1):
        runs.add("two", [1, 2], seed=seed)
    rows = rows_of(board_of(runs))
    assert rows["one"].identity == rows["one"].runs[0].record.identity
    own = sorted(run.record.identity for run in rows["two"].runs)
    assert rows["two"].identity == hashlib.sha256("\n".join(own).encode()).hexdigest()


def test_notes(runs: RunsOut) -> None:
    access = {"time": "2026-01-01T00:00:00Z", "reason": "again"}
    runs.add("a", [1, 2], fields={"clips_found": 48, "clips_expected": 50}, test_access=[access, access])
    notes = " | ".join(board_of(runs).notes)
    assert "48 of 50 videos were found" in notes
    assert "a, seed 0: the test split was read 2 times" in notes


def test_other_queries_under_one_fingerprint_are_an_error(runs: RunsOut) -> None:
    runs.add("a", [1, 2, 3])
    runs.add("b", [1, 2])
    with pytest.raises(DataError, match="other queries"):
        board_of(runs)


def test_files_that_contradict_each_other_are_an_error(runs: RunsOut) -> None:
    folder = runs.add("a", [1, 2, 3])
    path = folder / "ranks.json"
    text, changed = re.subn(r'"above": \[0, 1, 2\]', '"above": [0, 0, 2]', path.read_text())
    assert changed == 2
    path.write_text(text)
    with pytest.raises(DataError, match=r"33\.3333 in record\.json and 66\.6667 by ranks\.json"):
        board_of(runs)

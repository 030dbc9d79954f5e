"""Runs that had other videos: restricted to the same, bounded over all, mixed on request."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from tcmgc.app import current_registry
from tcmgc.errors import DataError
from tcmgc.evaluation import metrics
from tcmgc.outranking import outranking
from tcmgc.ranking import rank
from tcmgc.runs.outranking_file import write_outranking
from tcmgc.statistics.missing import Missing, bounds
from tcmgc_reports.board.build import build_leaderboard
from tcmgc_reports.renderers.registry import RENDERERS
from tcmgc_reports.report_command import report
from tcmgc_reports.runs.read_runs import read_runs
from tcmgc_reports.runs.restrict_runs import RestrictTo

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunsOut

    from tcmgc_reports.board.leaderboard import Leaderboard

CLIPS = [f"-clip {number}.mov" for number in range(12)]
CAPTIONS = 2
PAIRING = np.repeat(np.arange(len(CLIPS)), CAPTIONS)
MEASURES = current_registry().create_all("metric")
COMMON = RestrictTo(common=True)


def scores(seed: int) -> np.ndarray:
    """Scores of a small model over the whole split, some of them tied."""
    rng = np.random.default_rng(seed)
    own = PAIRING[:, None] == np.arange(len(CLIPS))
    return np.round(rng.normal(size=own.shape) + 1.5 * own, 1).astype(np.float32)


def add(runs: RunsOut, label: str, model: int, absent: set[int], **changes: Any) -> Path:
    """Write the run of a model that had all clips but some."""
    rows = [row for row in range(len(CLIPS)) if row not in absent]
    texts = np.flatnonzero(np.isin(PAIRING, rows))
    part_TV = scores(model)[np.ix_(texts, rows)]
    pairing = np.searchsorted(rows, PAIRING[texts])
    places = {}
    for direction in ("t2v", "v2t"):
        groups = rank(part_TV, pairing, direction).best_groups()
        places[direction] = list(zip(*(column.tolist() for column in groups), strict=True))
    clips = [CLIPS[row] for row in rows]
    fields = {
        "dataset": "storyshapes",
        "dataset_version": f"1, test {len(rows)}",
        "caption_rule": "all",
        "split_sha256": hashlib.sha256(str(rows).encode()).hexdigest(),
        "frames": 12,
        "clips_found": len(rows),
        "clips_expected": len(CLIPS),
        "captions": len(texts),
        "captions_expected": len(CLIPS) * CAPTIONS,
    } | changes.pop("fields", {})
    folder = runs.add(
        label,
        places["t2v"],
        places["v2t"],
        clusters=[CLIPS[PAIRING[text]] for text in texts],
        clips=clips,
        items=len(rows),
        fields=fields,
        **changes,
    )
    ranks = json.loads((folder / "ranks.json").read_text())
    ranks["t2v"]["query"] = [f"caption {text}" for text in texts]
    ranks["v2t"]["query"] = clips
    (folder / "ranks.json").write_text(json.dumps(ranks))
    bits = {direction: outranking(part_TV, pairing, direction) for direction in ("t2v", "v2t")}
    digests = [hashlib.sha256(clip.encode()).hexdigest() for clip in clips]
    write_outranking(folder / "outranking.safetensors", digests, bits)  # type: ignore[arg-type]
    return folder


def expected(seed: int, absent: set[int]) -> dict[str, Any]:
    """What the metrics of the model are without some clips."""
    rows = [row for row in range(len(CLIPS)) if row not in absent]
    texts = np.flatnonzero(np.isin(PAIRING, rows))
    pairing = np.searchsorted(rows, PAIRING[texts])
    return metrics(scores(seed)[np.ix_(texts, rows)], pairing, measures=MEASURES)


def board_of(runs: RunsOut, **options: Any) -> Leaderboard:
    return build_leaderboard(read_runs(runs.path), **options)


def test_runs_on_other_videos_become_comparable_on_those_that_all_have(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 2, {0, 5})
    add(runs, "c", 3, {5, 7})
    runs.suite(("Care", "a", "b"))
    assert len(board_of(runs).sections) == 3
    board = board_of(runs, restrict_to=COMMON)
    (section,) = board.sections
    assert (section.videos, section.lacking, section.queries["t2v"]) == (9, (9, 12), 18)
    assert section.clips == tuple(clip for row, clip in enumerate(CLIPS) if row not in {0, 5, 7})
    for row in section.rows:
        found = expected({"a": 1, "b": 2, "c": 3}[row.label], {0, 5, 7})
        for direction, result in row.results.items():
            for name, estimate in result.metrics.items():
                assert estimate.mean == pytest.approx(found[direction]["expected"][name]), name
    assert len(section.comparisons) == 2
    assert board.differing == {}
    assert any("9 of 12 videos are left, by --restrict-to" in note for note in board.notes)


def test_a_restricted_row_is_bounded_by_all_that_it_was_evaluated_on(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 2, {0, 5})
    (section,) = board_of(runs, restrict_to=COMMON).sections
    rows = {row.label: row for row in section.rows}
    whole = expected(1, set())
    rows_b = [row for row in range(12) if row not in {0, 5}]
    texts = np.flatnonzero(np.isin(PAIRING, rows_b))
    part_TV, pairing = scores(2)[np.ix_(texts, rows_b)], np.searchsorted(rows_b, PAIRING[texts])
    for direction, queries in (("t2v", 4), ("v2t", 2)):
        own = bounds(rank(part_TV, pairing, direction), Missing(2, queries), MEASURES)  # type: ignore[arg-type]
        truth = expected(2, set())[direction]["expected"]
        for name, ends in rows["b"].bounds[direction].items():  # type: ignore[index]
            assert ends == pytest.approx(own[name])
            assert ends[0] <= truth[name] <= ends[1]
        for name, (least, most) in rows["a"].bounds[direction].items():  # type: ignore[index]
            assert least == most == whole[direction]["expected"][name]


def test_a_list_leaves_out_the_runs_that_lack_a_clip(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 2, {0, 5})
    board = board_of(runs, restrict_to=RestrictTo(False, frozenset(CLIPS[:3])))
    assert [row.label for row in board.sections[0].rows] == ["a"]
    ((left),) = board.left_out
    assert left.reason == f"it lacks 1 of the 3 clips: {CLIPS[0]}"
    assert f"left out, not shown: b, seed 0: {left.reason}" in RENDERERS["terminal"].render(board)
    both = board_of(runs, restrict_to=RestrictTo(True, frozenset(CLIPS[:3])))
    assert both.sections[0].clips == tuple(CLIPS[1:3])


def test_a_normalizer_is_not_restricted_without_its_scores(runs: RunsOut) -> None:
    used = {"name": "dual-softmax", "needs": "test-queries"}
    add(runs, "a", 1, set(), normalizer=used)
    add(runs, "b", 2, {0})
    board = board_of(runs, restrict_to=COMMON)
    assert [row.label for row in board.sections[0].rows] == ["b"]
    assert "its normalizer dual-softmax looks at the clips that are cut" in board.left_out[0].reason
    everything = board_of(runs, restrict_to=RestrictTo(False, frozenset(CLIPS)))
    assert [row.label for row in everything.sections[0].rows] == ["a"]


def test_an_older_run_is_left_out(runs: RunsOut) -> None:
    (add(runs, "a", 1, set()) / "outranking.safetensors").unlink()
    add(runs, "b", 2, {0})
    board = board_of(runs, restrict_to=COMMON)
    assert "no outranking.safetensors" in board.left_out[0].reason


def test_bits_of_another_run_are_an_error(runs: RunsOut) -> None:
    one, other = add(runs, "a", 1, set()), add(runs, "b", 2, set())
    (one / "outranking.safetensors").write_bytes((other / "outranking.safetensors").read_bytes())
    with pytest.raises(DataError, match=r"other ranks than in ranks\.json"):
        board_of(runs, restrict_to=COMMON)


def test_nothing_in_common_is_an_error(runs: RunsOut) -> None:
    add(runs, "a", 1, set(range(6)))
    add(runs, "b", 2, set(range(6, 12)))
    with pytest.raises(DataError, match="none that all 2 runs have"):
        board_of(runs, restrict_to=COMMON)


def test_a_stale_run_takes_no_clip_away(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 2, {0, 1, 2})
    board = board_of(
        runs, stale=lambda run: "changed" if run.record.label == "b" else None, restrict_to=COMMON
    )
    assert board.sections[0].videos == 12


def test_another_text_of_a_caption_is_another_protocol(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    folder = add(runs, "b", 2, {0})
    rows = [row for row in range(12) if row != 0]
    texts = np.flatnonzero(np.isin(PAIRING, rows))
    part_TV, pairing = scores(2)[np.ix_(texts, rows)], np.searchsorted(rows, PAIRING[texts])
    bits = {direction: outranking(part_TV, pairing, direction) for direction in ("t2v", "v2t")}  # type: ignore[arg-type]
    write_outranking(folder / "outranking.safetensors", ["ab" * 32] * 11, bits)  # type: ignore[arg-type]
    board = board_of(runs, restrict_to=COMMON)
    assert len(board.sections) == 2
    assert [*board.differing] == ["split_sha256"]


def test_found_and_expected_stand_in_every_format(runs: RunsOut) -> None:
    add(runs, "a", 1, {0, 5})
    board = board_of(runs)
    least, most = board.sections[0].rows[0].bounds["t2v"]["r1"]
    assert least < most
    for style in ("terminal", "markdown", "latex", "html"):
        text = RENDERERS[style].render(board)
        assert "10 of 12 videos" in text or "<b>10</b> of 12 videos" in text, style
        assert f"{least:.1f}{'--' if style == 'latex' else '–'}{most:.1f}" in text, style
        assert "all 12 videos, whatever the missing ones would give" in text, style
    (line, _) = csv.DictReader(io.StringIO(RENDERERS["csv"].render(board)))
    assert (line["clips"], line["clips_expected"]) == ("10", "12")
    assert (float(line["r1_least"]), float(line["r1_most"])) == (least, most)
    row = json.loads(RENDERERS["json"].render(board))["rows"][0]
    assert row["clips"] == {"found": 10, "expected": 12}
    assert row["bounds"]["r1"] == [least, most]


def test_a_complete_split_has_no_bounds(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    board = board_of(runs)
    for style in ("terminal", "markdown", "latex"):
        text = RENDERERS[style].render(board)
        assert "24 queries, 12 videos" in text
        assert "whatever the missing" not in text
    assert json.loads(RENDERERS["json"].render(board))["rows"][0]["bounds"] == {}


def test_unknown_captions_have_no_bounds(runs: RunsOut) -> None:
    add(runs, "a", 1, {0}, fields={"captions_expected": None})
    board = board_of(runs)
    row = board.sections[0].rows[0]
    assert row.bounds["t2v"] == {}
    assert row.bounds["v2t"]["r1"][0] < row.bounds["v2t"]["r1"][1]
    assert any("how many captions the missing videos have is not known" in note for note in board.notes)


def test_mixed_tables_say_what_differs_beside_each_row(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 4, set())
    add(runs, "a", 2, set(), fields={"frames": 8, "training": {"epochs": 3}}, seed=1)
    runs.suite(("Care", "a", "b"))
    apart = board_of(runs)
    assert len(apart.sections) == 2
    assert "[" not in "".join(row.label for section in apart.sections for row in section.rows)
    board = board_of(runs, mixed=True)
    (section,) = board.sections
    assert {row.label for row in section.rows} == {
        "a [frames 12, training.epochs none]",
        "b [frames 12, training.epochs none]",
        "a [frames 8, training.epochs 3]",
    }
    assert all(not result.best for row in section.rows for result in row.results.values())
    assert {one.row for one in section.comparisons} == {"a [frames 12, training.epochs none]"}
    assert "frames" not in section.fields
    assert section.fields["dataset"] == "storyshapes"
    for style, renderer in RENDERERS.items():
        text = renderer.render(board).replace("<wbr>", "").replace("\\", "")
        assert "training.epochs 3" in " ".join(text.split()), style
        assert "Bold:" not in text
    found = json.loads(RENDERERS["json"].render(board))
    assert {row["fingerprint"] for row in found["rows"]} == {p["fingerprint"] for p in found["protocols"]}
    assert found["comparisons"][0]["fingerprint"] in section.protocols
    assert found["rows"][0]["differs"].keys() == {"frames", "training.epochs"}


def test_a_complete_row_of_a_mixed_table_has_its_own_numbers_for_bounds(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 2, {0})
    text = RENDERERS["markdown"].render(board_of(runs, mixed=True))
    table = text.partition("whatever the missing ones would give")[2]
    (line,) = [line for line in table.partition("###")[0].splitlines() if line.startswith("| a ")]
    assert line.split(" | ")[1] == f"{expected(1, set())['t2v']['expected']['r1']:.1f}"
    assert "–" not in line


def test_digests_are_shown_where_nothing_else_differs(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 2, set(), fields={"split_sha256": "f" * 64})
    labels = {row.label for row in board_of(runs, mixed=True).sections[0].rows}
    assert f"b [split_sha256 {'f' * 39}…]" in labels


def test_other_data_sets_are_not_mixed(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    add(runs, "a", 1, set(), fields={"dataset": "other"}, dataset="other")
    assert len(board_of(runs, mixed=True).sections) == 2


def test_rows_of_other_training_data_are_told(runs: RunsOut) -> None:
    add(runs, "a", 1, set())
    folder = add(runs, "b", 2, set())
    record = json.loads((folder / "record.json").read_text())
    record["identity_parts"]["splits"] = {"train": "a" * 64}
    (folder / "record.json").write_text(json.dumps(record))
    assert any("not every row was trained and selected on the same" in note for note in board_of(runs).notes)


def test_the_command_writes_the_list_that_it_restricted_to(runs: RunsOut, tmp_path: Path) -> None:
    add(runs, "a", 1, set())
    add(runs, "b", 2, {0, 5})
    ids = tmp_path / "ids.txt"
    ids.write_text("\r\n".join(CLIPS[2:8]) + "\r\n")
    options = ["--restrict-to", "common", "--restrict-to", str(ids), "--mix"]
    done = CliRunner().invoke(report, [str(runs.path), *options])
    assert "5 of 12 videos" in done.output, done.output
    (written,) = (runs.path / "report-restricted-mixed").glob("clips-*.txt")
    assert written.read_text().splitlines() == [clip for clip in CLIPS[2:8] if clip != CLIPS[5]]
    again = CliRunner().invoke(report, [str(runs.path), "--restrict-to", str(written)])
    assert "5 of 12 videos" in again.output


def test_what_a_data_set_has_to_say_stands_beside_its_numbers(runs: RunsOut) -> None:
    add(runs, "a", 1, set(), notes=["a miniature, not the data set"])
    add(runs, "b", 2, set(), notes=["a miniature, not the data set"])
    notes = board_of(runs).notes
    assert notes.count("storyshapes quick, test split: a miniature, not the data set") == 1

"""What each format says of one board, whose numbers are known."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from jsonschema import validate

from tcmgc_reports.board.build import build_leaderboard
from tcmgc_reports.board.leaderboard import Estimate
from tcmgc_reports.renderers import formats
from tcmgc_reports.renderers.latex import escape as latex_escape
from tcmgc_reports.renderers.markdown import escape as markdown_escape
from tcmgc_reports.renderers.registry import RENDERERS
from tcmgc_reports.renderers.terminal import wrap_label
from tcmgc_reports.runs.read_runs import read_runs

if TYPE_CHECKING:
    from conftest import RunsOut

    from tcmgc_reports.board.leaderboard import Leaderboard

LONG = "tcmgc granularities.*.reorganizer.keep_rate=0.3"
NASTY = "50%_a & b|c <script>alert(1)</script> $x$ {y} #1"
ESTIMATE = {
    "type": "object",
    "required": ["mean", "sd", "ci95"],
    "additionalProperties": False,
    "properties": {
        "mean": {"type": "number"},
        "sd": {"type": ["number", "null"]},
        "ci95": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    },
}
METRICS = ["r1", "r5", "r10", "mdr", "mnr", "sumr"]
SCHEMA = {
    "type": "object",
    "required": ["schema_version", "rows"],
    "properties": {
        "schema_version": {"const": 1},
        "rows": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [
                    *("recipe", "dataset", "split", "direction", "seeds"),
                    *("metrics", "cost", "fingerprint", "identity"),
                ],
                "properties": {
                    "direction": {"enum": ["t2v", "v2t"]},
                    "seeds": {"type": "array", "items": {"type": "integer"}},
                    "metrics": {
                        "type": "object",
                        "required": METRICS,
                        "additionalProperties": False,
                        "properties": dict.fromkeys(METRICS, ESTIMATE),
                    },
                    "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    "identity": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                },
            },
        },
    },
}


@pytest.fixture
def board(runs: RunsOut) -> Leaderboard:
    """Three rows: one of two seeds, one whose label is long, one whose label is nasty."""
    clear = [1] * 30 + [4] * 10
    tags = [["motion"] if index % 2 else ["colour"] for index in range(40)]
    runs.add("tcmgc", clear, seed=0, tags=tags)
    runs.add("tcmgc", [1] * 28 + [4] * 12, seed=1, tags=tags)
    runs.add(LONG, [1] * 5 + [7] * 35, tags=tags, overrides=["granularities.*.reorganizer.keep_rate=0.3"])
    runs.add(NASTY, [30] * 40, tags=tags, text_conditioned=False)
    runs.suite(("Text-conditioning", "tcmgc", NASTY), title="The main board")
    return build_leaderboard(read_runs(runs.path))


def test_terminal(board: Leaderboard) -> None:
    text = RENDERERS["terminal"].render(board)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == "The main board"
    assert "storyshapes quick, test split: text to video (40 queries, 50 videos)" in lines
    row = re.split(r" {2,}", next(line for line in lines if line.startswith("tcmgc ")))
    # (75 + 70) / 2 percent of 40 queries.
    assert row[:2] == ["tcmgc", "0, 1"]
    assert re.fullmatch(r"72\.5\* \[\d\d\.\d, \d\d\.\d\]", row[2])
    assert row[3:] == ["100.0*", "100.0*", "1.0*", "1.8*", "272.5*", "1.25"]
    assert "Text-conditioning is worth +72.5 R@1 [+" in text
    assert ", p < 0.001: a gain, though seeds are missing" in text
    assert "by seed" not in text  # the other row has one seed
    assert "has no run with seed 1" in " ".join(text.split())
    assert "stale" not in text


def test_terminal_with_remarks(runs: RunsOut) -> None:
    runs.add("a", [1, 2], seed=0)
    runs.add("a", [1, 2], seed=1, fields={"frames": 8})
    for seed in (0, 1):
        runs.add("gone", [1, 2], seed=seed)
    found = build_leaderboard(
        read_runs(runs.path), lambda run: "lsa changed" if run.record.label == "gone" else None
    )
    text = RENDERERS["terminal"].render(found)
    assert re.search(r"frames: (12 \| 8|8 \| 12)", text)
    assert len(re.findall(r"protocol [0-9a-f]{12}: text to video", text)) == 2
    assert "stale, not shown: gone, seeds 0, 1: lsa changed" in text


@pytest.mark.parametrize("style", [*RENDERERS])
def test_without_a_fresh_run(runs: RunsOut, style: str) -> None:
    runs.add("a", [1, 2])
    text = RENDERERS[style].render(build_leaderboard(read_runs(runs.path), lambda _: "all changed"))
    if style in {"terminal", "markdown", "html", "json"}:
        assert "all changed" in text


def test_wrapped_label() -> None:
    assert wrap_label(LONG).split("\n") == ["tcmgc granularities.", "*.reorganizer.keep_", "rate=0.3"]
    assert wrap_label("clip4clip-seqtransf") == "clip4clip-seqtransf"


def test_markdown(board: Leaderboard) -> None:
    text = RENDERERS["markdown"].render(board)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) == 2 * 5
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {10}
    assert re.match(r"\| tcmgc \| 0, 1 \| \*\*72\.5\*\* ± 3\.5 \[\d\d\.\d, \d\d\.\d\] \|", tables[2])
    assert "<script" not in re.sub(r"\\<", "", text)
    assert markdown_escape("a*b_c|d\ne") == r"a\*b\_c\|d e"


def test_latex(board: Leaderboard) -> None:
    text = RENDERERS["latex"].render(board)
    assert text.count("\\begin{tabular}{llrrrrrrr}") == text.count("\\bottomrule") == 2
    assert "tcmgc & 0, 1 & \\textbf{72.5} $\\pm$ 3.5 [" in text
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 2 * 4
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {8}
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert not re.search(r"(?<!\\)[%#_~^]", code)
    bare = re.sub(r"\\[{}]", "", code)
    assert bare.count("{") == bare.count("}")
    assert latex_escape(NASTY) == (
        r"50\%\_a \& b\textbar{}c \textless{}script\textgreater{}alert(1)\textless{}/script\textgreater{} "
        r"\$x\$ \{y\} \#1"
    )
    assert latex_escape("a\\b~") == r"a\textbackslash{}b\textasciitilde{}"


def test_latex_takes_no_label_for_an_argument(runs: RunsOut) -> None:
    """``\\\\`` and ``\\midrule`` look for a bracket or a star even on the next line."""
    for label, ranks in (("[ours] first", [1, 1]), ("*starred", [1, 2]), ("plain [x]", [2, 2])):
        runs.add(label, ranks)
    text = RENDERERS["latex"].render(build_leaderboard(read_runs(runs.path)))
    starts = [line.partition(" &")[0].strip() for line in text.splitlines() if line.endswith(r"\\")]
    assert starts[1:4] == ["{}[ours] first", "{}*starred", "plain [x]"]


def test_csv(board: Leaderboard) -> None:
    rows = list(csv.DictReader(io.StringIO(RENDERERS["csv"].render(board))))
    assert [(row["row"], row["direction"]) for row in rows] == [
        (label, direction) for direction in ("t2v", "v2t") for label in ("tcmgc", LONG, NASTY)
    ]
    assert float(rows[0]["r1"]) == 72.5
    assert float(rows[0]["r1_low"]) < 72.5 < float(rows[0]["r1_high"])
    assert (rows[1]["r1_sd"], rows[1]["peak_memory_bytes"]) == ("", "")
    assert rows[0]["seeds"] == "0 1"


def test_json(board: Leaderboard) -> None:
    found = json.loads(RENDERERS["json"].render(board))
    validate(found, SCHEMA)
    assert len(found["rows"]) == 6
    first = found["rows"][0]
    assert (first["recipe"], first["dataset"], first["split"], first["direction"], first["seeds"]) == (
        *("tcmgc", "storyshapes quick", "test", "t2v"),
        [0, 1],
    )
    assert first["metrics"]["r1"]["mean"] == 72.5
    assert first["metrics"]["r1"]["sd"] == pytest.approx(3.5355339)
    assert first["cost"]["microseconds_per_pair"] == 1.25
    assert first["tags"]["motion"]["queries"] == 20
    assert first["text_conditioned"] is True
    assert found["comparisons"][0]["verdict"] == "a gain, though seeds are missing"
    assert found["comparisons"][0]["missing_seeds"] == {NASTY: [1]}
    assert found["comparisons"][0]["difference"]["mean"] == 72.5


def test_renderings_are_the_same_twice(runs: RunsOut, board: Leaderboard) -> None:
    again = build_leaderboard(read_runs(runs.path))
    for renderer in RENDERERS.values():
        assert renderer.render(again) == renderer.render(board)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "0"),
        (0.01234, "0.0123"),
        (1.0, "1.00"),
        (4.4075, "4.41"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (0.99996, "1.00"),
        (9.9996, "10.0"),
        (999.96, "1,000"),
    ],
)
def test_significant(value: float | None, text: str) -> None:
    assert formats.significant(value) == text


def test_formats() -> None:
    assert [formats.decimal(one) for one in (-0.25, -0.04, 0.04)] == ["−0.2", "0.0", "0.0"]
    assert [formats.signed(one) for one in (-0.04, 0.0, 0.04)] == ["0.0", "0.0", "0.0"]
    assert (formats.signed(1.25), formats.signed(-3.0)) == ("+1.2", "−3.0")
    assert [formats.count(n) for n in (None, 12, 1520, 2_700_000, 3e9)] == [
        *("–", "12", "1.52 k", "2.70 M", "3.00 G")
    ]
    assert [formats.count(n) for n in (999, 999.7, 999_499, 999_999, 999_999_999)] == [
        *("999", "1.00 k", "999 k", "1.00 M", "1.00 G")
    ]
    assert [formats.duration(s) for s in (None, 2.5, 200, 4000)] == ["–", "2.50 s", "3 min 20 s", "1 h 7 min"]
    assert [formats.duration(s) for s in (59.96, 119.7, 3570, 3599.6)] == [
        *("1 min 0 s", "2 min 0 s", "59 min 30 s", "1 h 0 min")
    ]
    assert [formats.size(b) for b in (None, 12, 1_520_000_000)] == ["–", "12 B", "1.52 GB"]
    assert [formats.size(b) for b in (999.7, 999_999)] == ["1.00 kB", "1.00 MB"]
    assert [formats.p_value(p) for p in (0.0004, 0.034, 0.234, 1.0)] == [
        *("p < 0.001", "p = 0.034", "p = 0.23", "p = 1.00")
    ]
    assert [formats.seeds(s) for s in ((0,), (0, 1, 2), (0, 1, 2, 3, 4), (1, 5, 7, 9))] == [
        *("0", "0, 1, 2", "0-4", "1, 5, 7, 9")
    ]


def test_a_printed_p_is_on_its_side_of_the_level() -> None:
    found = [formats.p_value(p) for p in (0.0494, 0.0496, 0.04996, 0.0499999, 0.05, 0.0504)]
    assert found == ["p = 0.049", "p = 0.0496", "p = 0.04996", "p < 0.05", "p = 0.05", "p = 0.05"]


def test_a_printed_interval_is_on_its_side_of_nothing() -> None:
    found = [formats.signed_bracket(Estimate(1.0, None, low, 3.0)) for low in (0.04, -0.04, 0.0, 0.001)]
    assert found == ["[+0.04, +3.0]", "[−0.04, +3.0]", "[0.0, +3.0]", "[0.0, +3.0]"]


def test_a_row_without_spread_has_a_dash(runs: RunsOut) -> None:
    for seed in (0, 1):
        runs.add("start", [1, 2], seed=seed, trained=False, selection=None)
    found = build_leaderboard(read_runs(runs.path))
    assert re.search(r"\| start \| 0, 1 \| 50\.0 ± – \[", RENDERERS["markdown"].render(found))
    assert re.search(r"start & 0, 1 & 50\.0 \$\\pm\$ -- \[", RENDERERS["latex"].render(found))
    assert ">± –</span>" in RENDERERS["html"].render(found)
    rows = list(csv.DictReader(io.StringIO(RENDERERS["csv"].render(found))))
    assert rows[0]["r1_sd"] == ""
    assert json.loads(RENDERERS["json"].render(found))["rows"][0]["metrics"]["r1"]["sd"] is None


NEEDS = {"nothing": "none-like", "bank": "sinkhorn", "test-queries": "dual-softmax"}


@pytest.mark.parametrize("style", [*RENDERERS])
@pytest.mark.parametrize("needs", [*NEEDS])
def test_what_a_normalizer_looks_at_stands_beside_the_numbers(runs: RunsOut, style: str, needs: str) -> None:
    runs.add("raw", [1, 2])
    runs.add("changed", [1, 1], normalizer={"name": NEEDS[needs], "needs": needs})
    text = RENDERERS[style].render(build_leaderboard(read_runs(runs.path)))
    said = " ".join(text.replace("\\", "").split())
    assert f"{NEEDS[needs]} (needs {needs})" in said
    if style not in {"csv", "json"}:  # a value of the row's own there
        assert f"ormalised at test time by {NEEDS[needs]} (needs {needs}): changed" in said


@pytest.mark.parametrize("style", [*RENDERERS])
def test_raw_scores_are_not_said_to_be_normalised(runs: RunsOut, style: str) -> None:
    runs.add("raw", [1, 2])
    assert "ormalised at test time" not in RENDERERS[style].render(build_leaderboard(read_runs(runs.path)))

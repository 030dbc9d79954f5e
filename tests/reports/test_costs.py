"""What scoring costs, in every format: cells, absences, and machines that may not be compared."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tcmgc_reports.board.build import build_leaderboard
from tcmgc_reports.board.measured_on import measured_on
from tcmgc_reports.renderers.registry import RENDERERS
from tcmgc_reports.renderers.words import COST_NOTE
from tcmgc_reports.runs.read_runs import read_runs

if TYPE_CHECKING:
    from conftest import RunsOut

BEFORE = {
    "train_seconds": None,
    "evaluate_seconds": 2.5,
    "parameters": 1_500_000,
    "new_parameters": 200_000,
    "trained_parameters": 0,
    "microseconds_per_pair": 9.4,
    "peak_memory_bytes": None,
}
"""What records had before the costs of scoring were in them."""
COST = BEFORE | {
    "flops_per_text": 17_301_504,
    "flops_per_video": 310_000_000,
    "flops_per_pair": 1_002_590,
    "index_bytes_per_video": 55_296,
    "scoring_memory_bytes": 60_800_000,
}
HERE = {"device": "cpu", "device_name": "A processor", "threads": 2}
THERE = {"device": "cuda:0", "device_name": "A card", "threads": 2}
CELLS = ["9.40", "1.00 M", "55.3 kB", "60.8 MB"]
ABSENT = ["9.40", "–", "–", "–"]


def render(runs: RunsOut, style: str) -> str:
    return RENDERERS[style].render(build_leaderboard(read_runs(runs.path)))


def add(runs: RunsOut, label: str, cost: dict[str, Any] = COST, environment: dict[str, Any] = HERE) -> None:
    runs.add(label, [1, 2, 1, 5], cost=cost, environment=environment, trained=False, selection=None)


def row_of(text: str, label: str, style: str) -> list[str]:
    """The last row of a label: the cells of the table of costs, without the label."""
    if style == "html":
        rows = re.findall(rf'<th scope="row"[^>]*data-value="{label}".*?</tr>', text, re.DOTALL)
        return re.findall(r"<td[^>]*>(.*?)</td>", rows[-1])
    lines = [line.strip(" |") for line in text.splitlines() if re.match(rf"\W*{label}\b", line)]
    lines = [line for line in lines if not re.search(r"\[\d", line)]  # no interval: not the main table
    split = {"terminal": r" {2,}", "markdown": r" \| ", "latex": r" & "}[style]
    return [cell.replace("--", "–") for cell in re.split(split, lines[-1].removesuffix(r" \\"))[1:]]


TABLES = pytest.mark.parametrize("style", ["terminal", "markdown", "latex", "html"])


@TABLES
def test_cells(runs: RunsOut, style: str) -> None:
    add(runs, "new")
    add(runs, "old", BEFORE)
    text = render(runs, style)
    assert row_of(text, "new", style) == CELLS
    assert row_of(text, "old", style) == ABSENT
    assert "Cost of scoring, measured on A processor (cpu), 2 threads" in text
    assert "not comparable" not in text
    said = " ".join(re.sub(r"<[^>]*>", "", text).split())
    assert COST_NOTE in said


@TABLES
def test_other_machines_are_named_beside_their_rows(runs: RunsOut, style: str) -> None:
    add(runs, "here")
    add(runs, "there", environment=THERE)
    text = render(runs, style)
    assert row_of(text, "here", style) == [*CELLS, "A processor (cpu), 2 threads"]
    assert row_of(text, "there", style) == [*CELLS, "A card (cuda:0)"]
    assert "Cost of scoring, measured on 2 machines or settings" in text
    if style != "latex":
        said = " ".join(text.replace("\\", "").split())
        assert (
            "times and memory are not comparable, as measured on A processor (cpu), 2 threads: here; "
            "A card (cuda:0): there"
        ) in said


def test_for_programs(runs: RunsOut) -> None:
    add(runs, "new")
    add(runs, "old", BEFORE, THERE)
    rows = {row["recipe"]: row for row in json.loads(render(runs, "json"))["rows"]}
    assert rows["new"]["cost"] == COST
    assert rows["old"]["cost"] == {name: BEFORE.get(name) for name in COST}
    assert rows["old"]["measured_on"] == "A card (cuda:0)"
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(render(runs, "csv")))}
    assert lines["new"]["flops_per_pair"] == "1002590"
    assert lines["old"]["flops_per_pair"] == ""
    assert lines["new"]["measured_on"] == "A processor (cpu), 2 threads"


def axes(text: str) -> list[str]:
    return re.findall(r'<div class="scatter" data-axis="(\w+)">', text)


def test_the_chart_has_an_axis_for_every_cost(runs: RunsOut) -> None:
    add(runs, "one")
    add(runs, "two", COST | {"flops_per_pair": 19_200_000, "index_bytes_per_video": 2_049})
    text = render(runs, "html")
    every = ["microseconds_per_pair", "flops_per_pair", "index_bytes_per_video", "scoring_memory_bytes"]
    assert axes(text) == every
    assert re.findall(r'<input type="radio" name="axis-1" value="(\w+)"( checked)?>', text) == [
        (name, " checked" if name == every[0] else "") for name in every
    ]
    flops = text.partition('data-axis="flops_per_pair"')[2].partition("</svg>")[0]
    assert "two: R@1 50.0, 19.2 M FLOPs per pair" in flops
    assert re.findall(r'class="tick">([^<]+M)</text>', flops) == ["1 M", "10 M", "100 M"]
    index = text.partition('data-axis="index_bytes_per_video"')[2].partition("</svg>")[0]
    assert re.findall(r'class="tick">([^<]+B)</text>', index) == ["1 kB", "10 kB", "100 kB"]


def test_machines_are_not_compared_in_the_chart(runs: RunsOut) -> None:
    add(runs, "here")
    add(runs, "there", environment=THERE)
    assert axes(render(runs, "html")) == ["flops_per_pair", "index_bytes_per_video"]


def test_old_records_have_the_time_alone(runs: RunsOut) -> None:
    add(runs, "one", BEFORE)
    add(runs, "two", BEFORE)
    text = render(runs, "html")
    assert axes(text) == ["microseconds_per_pair"]
    assert '<input type="radio"' not in text


def test_means_over_seeds_stay_counts(runs: RunsOut) -> None:
    for seed, time in ((0, 9.0), (1, 11.0)):
        runs.add("one", [1, 2], seed=seed, cost=COST | {"microseconds_per_pair": time}, environment=HERE)
    row = json.loads(render(runs, "json"))["rows"][0]
    assert row["cost"]["flops_per_pair"] == 1_002_590
    assert row["cost"]["microseconds_per_pair"] == 10.0


@pytest.mark.parametrize(
    ("environments", "place"),
    [
        ([HERE, HERE], "A processor (cpu), 2 threads"),
        ([HERE, HERE | {"threads": 1}], "A processor (cpu), 2 threads; A processor (cpu), 1 thread"),
        ([{"device": "cpu", "torch": "2.5.1"}], "cpu"),
        ([{}], "an unknown device"),
    ],
)
def test_places(environments: list[dict[str, Any]], place: str) -> None:
    assert measured_on(environments) == place

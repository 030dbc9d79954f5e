"""``tcmgc bench cost`` at the terminal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

import tcmgc
from tcmgc import ConfigError, DataError, Sizes
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.cli.main import cli
from tcmgc.cost.scoring_flops import ScoringFlops, scoring_flops
from tcmgc_benchmarks.bench.cost.measure import Cost, Query
from tcmgc_benchmarks.bench.cost.page import BEGIN, END
from tcmgc_benchmarks.bench.cost.table import cost_notes, cost_tables

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ("--words", 20, "--frames", 3, "--patches", 4, "--dim", 64, "--texts", 4)
SMALL = (*SIZES, "--videos", 40, "--videos", 70, "--patience", 60)


def run(*arguments: object) -> Result:
    words = [str(word) for word in ("bench", "cost", *arguments)]
    return CliRunner().invoke(cli, words, catch_exceptions=False)


def measured(path: Path) -> dict[str, Any]:
    return {cost["label"]: cost for cost in json.loads(path.read_text())["costs"]}


def test_every_recipe(tmp_path: Path) -> None:
    out = tmp_path / "a folder" / "cost.json"
    result = run(*SMALL, "--json", out)
    assert result.exit_code == 0, result.output
    costs = measured(out)
    assert sorted(costs) == sorted(current_registry().recipe_files)
    for label, cost in costs.items():
        assert cost["flops"] == cost["torch_flops"]
        assert [query["videos"] for query in cost["queries"]] == [40, 70]
        assert all(query["scored"] == query["videos"] == query["distinct"] for query in cost["queries"])
        times = [cost[f"microseconds_per_{item}"] for item in ("text", "video", "pair")]
        assert all(time > 0 for time in times)
        assert cost["memory_bytes"] > 40 * cost["index_bytes_per_video"]
        assert len(re.findall(rf"^{label} ", result.output, re.MULTILINE)) == 2
    model = tcmgc.build("tcmgc", Sizes(64, 20, 3))
    assert costs["tcmgc"]["flops"] == vars(scoring_flops(model))
    assert costs["tcmgc"]["parameters"] == sum(weight.numel() for weight in model.parameters())
    about = json.loads(out.read_text())
    assert about["schema_version"] == 1
    assert about["environment"]["threads"] >= 1
    assert about["setting"]["galleries"] == [40, 70]
    assert "~" not in result.stdout
    assert "PyTorch's counter finds the same FLOPs" in result.stdout


def test_variants_overrides_and_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("schema_version: 1\nsummary: mine\nbase: clip4clip-meanp\n")
    out = tmp_path / "cost.json"
    result = run("xpool", file, "--variants", "--set", "stages.video=[]", *SMALL, "--json", out)
    assert result.exit_code == 0, result.output
    variants = read_recipe("xpool").config["variants"]
    labels = ["xpool", *(f"xpool {variant}" for variant, lines in variants.items() if lines)]
    assert len(labels) > 2
    assert [label for label in measured(out) if not label.startswith("mine")] == labels
    assert measured(out)["xpool"]["flops"] != measured(out)["xpool avg"]["flops"]
    assert measured(out)["mine"]["flops"] == {"text": 0, "video": 0, "pair": 2 * 64}


def test_the_dense_form_costs_more(tmp_path: Path) -> None:
    found = {}
    for form in ("factored", "dense"):
        out = tmp_path / f"{form}.json"
        assert run("tcmgc", "--form", form, *SMALL, "--json", out).exit_code == 0
        found[form] = measured(out)["tcmgc"]
    pairs = [found[form]["flops"]["pair"] for form in ("dense", "factored")]
    # A linear layer of width 64 for each word and the sentence alone is 2 * 21 * 64 * 64.
    assert pairs[0] > 2 * 21 * 64 * 64 > 2 * pairs[1]
    assert found["dense"]["index_bytes_per_video"] < found["factored"]["index_bytes_per_video"]


def test_mistakes_come_first(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown recipe 'xlcip'"):
        run("clip4clip-tight", "xlcip")
    with pytest.raises(DataError, match=r"neither record\.json nor import\.json"):
        run(tmp_path)
    (tmp_path / "page.md").write_text("# Page\n")
    with pytest.raises(DataError, match="no place for the table"):
        run("xpool", "--page", tmp_path / "page.md")
    assert run("xpool", "--words", 0).exit_code == 2


def test_a_page_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")
    for _ in range(2):
        assert run("xpool", *SMALL, "--page", page, "--json", tmp_path / "cost.json").exit_code == 0
    text = page.read_text()
    assert text.startswith(f"# Page\n\n{BEGIN}\n")
    assert text.endswith(f"{END}\n\nAfter.\n")
    assert "old" not in text
    command = re.search(r"```bash\n(.+)\n```", text)
    assert command is not None
    assert "cost.json" not in text
    assert command[1].startswith("tcmgc bench cost xpool --texts 4 --videos 40 --videos 70 --words 20 ")
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 2 * 3


def cost_of(label: str, queries: tuple[Query, ...], torch_pair: int = 1_002_590) -> Cost:
    flops = ScoringFlops(17_301_504, 310_000_000, 1_002_590)
    return Cost(
        label=label,
        sizes=Sizes(512, 32, 12),
        parameters=13_400_000,
        flops=flops,
        torch_flops=ScoringFlops(flops.text, flops.video, torch_pair),
        microseconds_per_text=254.0,
        microseconds_per_video=4020.0,
        microseconds_per_pair=9.4,
        queries=queries,
        index_bytes_per_video=55_296,
        memory_bytes=60_800_000,
    )


def test_cells() -> None:
    whole = Query(1000, 51_300.0, 1000, 1000, 5)
    text = cost_tables([cost_of("tcmgc", (whole,))], "terminal")
    assert text.startswith("32 words, 12 frames, width 512\n\n")
    rows = [re.split(r" {2,}", line) for line in text.splitlines() if line.startswith("tcmgc ")]
    assert rows == [
        ["tcmgc", "13.4 M", "17.3 M", "310 M", "1.00 M", "55.3 kB", "60.8 MB"],
        ["tcmgc", "254 µs", "4.02 ms", "9.40 µs", "51.3 ms"],
    ]


def test_what_is_not_as_it_seems_is_said() -> None:
    guessed = cost_of("slow", (Query(100_000, 330e6, 3000, 20_000, 1),))
    repeated = cost_of("large", (Query(100_000, 7e6, 100_000, 18_084, 5),))
    other = cost_of("odd", (Query(1000, 51.0, 1000, 1000, 5),), torch_pair=1_000_000)
    assert cost_notes([guessed, repeated]) == [
        "PyTorch's counter finds the same FLOPs, to the last one",
        "~ extrapolated from the videos that were scored in time: slow at 100,000 (of 3,000)",
        "a part of the gallery was in memory, and read over and over: large at 100,000 (18,084 at a time)",
    ]
    assert cost_notes([other]) == [
        "PyTorch counts other FLOPs for odd (1,000,000 instead of 1,002,590 a pair)"
    ]
    assert "~330 s" in cost_tables([guessed], "markdown")
    assert "~" not in cost_tables([other], "markdown")

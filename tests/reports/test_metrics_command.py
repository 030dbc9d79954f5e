"""``tcmgc metrics`` from file to table, and the tables themselves."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from safetensors.numpy import load_file, save_file

from tcmgc.cli.main import cli
from tcmgc.errors import DataError
from tcmgc.evaluation import metrics as evaluate
from tcmgc_plugins.metrics.recall import Recall
from tcmgc_reports.metrics_table import csv_table, rich_table, text_table

if TYPE_CHECKING:
    from click.testing import Result

MATRICES = load_file(Path(__file__).parents[1] / "golden" / "metrics.safetensors")
COUNTS = [1, 3, 2, 5, 1, 4, 2, 2, 6, 1, 3, 2]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["metrics", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory of golden matrices."""
    for name in ("rand", "ties", "multi", "nan"):
        np.save(tmp_path / f"{name}.npy", MATRICES[f"sim.{name}"])
    save_file({"a": MATRICES["sim.rand"], "b": MATRICES["sim.ties"]}, tmp_path / "two.safetensors")
    (tmp_path / "groups.json").write_text(json.dumps(COUNTS))
    return tmp_path


def test_json(files: Path) -> None:
    result = run(files / "multi.npy", "--groups", files / "groups.json", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["schema_version"] == 1
    assert (found["texts"], found["videos"], found["ties"]) == (32, 12, "expected")
    assert found["t2v"]["values"]["r1"] == 18.75
    assert found["v2t"]["values"]["mnr"] == 3.75
    assert found["t2v"].keys() == {
        "values",
        "optimistic",
        "expected",
        "pessimistic",
        "queries",
        "items",
        "tied_queries",
    }


def test_table_without_ties_has_no_interval_and_no_warning(files: Path) -> None:
    result = run(files / "rand.npy")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "[" not in result.stdout
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:10]] == [
        "r1",
        "r5",
        "r10",
        "mdr",
        "mnr",
        "sumr",
        "mrr",
        "ndcg",
    ]
    assert lines[2].split() == ["r1", "18.00", "18.00"]
    assert lines[-1] == "t2v: 50 queries over 50 items; v2t: 50 queries over 50 items"


def test_ties_show_their_interval_and_a_warning(files: Path) -> None:
    result = run(files / "ties.npy")
    assert result.exit_code == 0
    assert "17.17 [12.00, 28.00]" in result.stdout
    assert "7.47 [5.28, 9.66]" in result.stdout
    assert "50 queries over 50 items, 43 with ties" in result.stdout
    warning = " ".join(result.stderr.split())
    assert "t2v: 43 of 50 queries" in warning
    assert "r1 is 17.17 in expectation and 28.00 with every such tie won" in warning
    assert "degenerate" in warning


def test_few_ties_are_no_reason_for_a_warning(tmp_path: Path) -> None:
    similarity = np.eye(1500)
    similarity[7, 8] = 1.0  # 0.03 points of R@1
    np.save(tmp_path / "s.npy", similarity)
    result = run(tmp_path / "s.npy")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1500 items, 1 with ties" in result.stdout


@pytest.mark.parametrize("policy", ["optimistic", "pessimistic", "expected"])
def test_ties_choose_the_values(files: Path, policy: str) -> None:
    found = json.loads(run(files / "ties.npy", "--ties", policy, "--format", "json").stdout)
    assert found["t2v"]["values"] == found["t2v"][policy]
    assert found["ties"] == policy


def test_v2t_rule(files: Path) -> None:
    groups = ("--groups", files / "groups.json", "--json")
    default = json.loads(run(files / "multi.npy", *groups).stdout)
    captions = json.loads(run(files / "multi.npy", *groups, "--v2t-rule", "best-caption").stdout)
    assert (default["v2t"]["items"], captions["v2t"]["items"]) == (12, 32)
    assert captions["t2v"] == default["t2v"]


def test_csv(files: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(files / "ties.npy", "--format", "csv").stdout)))
    assert len(rows) == 16
    assert (rows[0]["direction"], rows[0]["metric"]) == ("t2v", "r1")
    assert float(rows[0]["optimistic"]) == pytest.approx(28)
    assert rows[-1]["tied_queries"] == "42"


def test_markdown(files: Path) -> None:
    lines = run(files / "rand.npy", "--format", "markdown").stdout.splitlines()
    assert lines[0].startswith("| metric")
    assert lines[2].replace(" ", "") == "|r1|18.00|18.00|"


def test_key(files: Path) -> None:
    found = json.loads(run(files / "two.safetensors", "--key", "b", "--json").stdout)
    assert found["t2v"]["tied_queries"] == 43


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nan.npy"], "row 3, column 0"),
        (["multi.npy"], "--groups FILE"),
        (["two.safetensors"], "--key"),
        (["none.npy"], "no such file"),
        (["rand.npy", "--groups", "groups.json"], "12 entries"),
    ],
)
def test_mistakes_are_data_errors(
    files: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(files)
    result = run(*arguments)
    assert isinstance(result.exception, DataError)
    assert message in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["--ties", "expectd"], ["--format", "html"], ["--v2t-rule", "x"], []])
def test_wrong_usage(files: Path, arguments: list[str]) -> None:
    result = run(*arguments) if not arguments else run(files / "rand.npy", *arguments)
    assert result.exit_code == 2


def test_tables_show_a_third_partys_metric_last() -> None:
    result = evaluate(np.eye(3), measures={"recall": Recall(ks=(2, 1))})
    console = Console(file=io.StringIO(), width=80)
    console.print(rich_table(result))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for table in (shown, text_table(result, "simple"), text_table(result, "github"), csv_table(result)):
        assert 0 < table.index("r1") < table.index("r2")
        assert "[" not in table


def test_the_maths_needs_neither_torch_nor_scipy() -> None:
    code = (
        "import sys, tcmgc.evaluation, tcmgc.files.caption_groups_file, tcmgc_reports.metrics_command\n"
        "from tcmgc_plugins.metrics import median_rank, mean_rank, mean_reciprocal_rank, ndcg, sum_recall\n"
        "sys.exit(bool({'torch', 'scipy'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

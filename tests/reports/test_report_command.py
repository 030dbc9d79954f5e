"""``tcmgc report`` from run directories to files, and what happens after ``tcmgc run``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tcmgc.app import current_plugins
from tcmgc.cli.main import cli
from tcmgc.errors import DataError
from tcmgc.runs.identity import ENGINE_LABEL
from tcmgc_reports.write_report import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from conftest import RunsOut

FILES = ["index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.md", "leaderboard.tex"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["report", *map(str, arguments)])


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_report(runs: RunsOut) -> None:
    runs.add("tcmgc", [1, 1, 2])
    result = run(runs.path)
    assert result.exit_code == 0, result.output
    assert "text to video (3 queries, 50 videos)" in result.stdout
    assert str(runs.path / "report" / "index.html") in result.stderr
    assert names(runs.path / "report") == FILES


def test_report_elsewhere(runs: RunsOut, tmp_path: Path) -> None:
    runs.add("tcmgc", [1, 1, 2])
    assert run(runs.path, "--out", tmp_path / "deep" / "er").exit_code == 0
    assert names(tmp_path / "deep" / "er") == FILES
    assert not (runs.path / "report").exists()
    assert "beside this report" not in (tmp_path / "deep" / "er" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("style", ["terminal", "markdown", "latex", "csv", "json", "html"])
def test_one_format(runs: RunsOut, tmp_path: Path, style: str) -> None:
    runs.add("tcmgc", [1, 1, 2])
    printed = run(runs.path, "--format", style)
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert run(runs.path, "--format", style, "--out", tmp_path / "board").exit_code == 0
    assert (tmp_path / "board").read_text(encoding="utf-8").rstrip("\n") == printed.stdout.rstrip("\n")
    assert not (runs.path / "report").exists()


def test_stale_components_are_not_shown_as_fresh(runs: RunsOut) -> None:
    runs.add("fresh", [1, 1, 2])
    runs.add("changed", [1, 1, 1], sources={ENGINE_LABEL: "0" * 64})
    found = json.loads(run(runs.path, "--format", "json").stdout)
    assert {row["recipe"] for row in found["rows"]} == {"fresh"}
    assert [(one["recipe"], one["seed"]) for one in found["stale"]] == [("changed", 0)]
    assert ENGINE_LABEL in found["stale"][0]["reason"]


@pytest.mark.parametrize("arguments", [[], ["--format", "json"]])
def test_mistakes_are_data_errors(
    runs: RunsOut, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("TCMGC_TRACEBACK", "1")
    result = run(runs.path, *arguments)
    assert isinstance(result.exception, DataError)
    assert "no such folder" in str(result.exception)


def test_a_folder_that_cannot_be_written_is_refused(runs: RunsOut, tmp_path: Path) -> None:
    runs.add("tcmgc", [1, 1, 2])
    (tmp_path / "file").write_text("kept")
    result = run(runs.path, "--out", tmp_path / "file")
    assert isinstance(result.exception, DataError)
    assert (tmp_path / "file").read_text() == "kept"


def test_hook_reports(runs: RunsOut, capsys: pytest.CaptureFixture[str]) -> None:
    runs.add("tcmgc", [1, 1, 2])
    current_plugins().runs_finished(runs.path)
    assert names(runs.path / "report") == FILES
    assert "text to video" in capsys.readouterr().out


def test_hook_leaves_a_folder_without_finished_runs(
    runs: RunsOut, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs.path / "runs" / ".work-0123456789ab").mkdir(parents=True)
    current_plugins().runs_finished(runs.path)
    assert names(runs.path) == ["runs"]
    assert capsys.readouterr().out == ""


def test_text_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "leaderboard.md"
    write_text(path, "first\n")

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_text(path, "second\n")
    assert path.read_text() == "first\n"
    assert names(tmp_path) == ["leaderboard.md"]

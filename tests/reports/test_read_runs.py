"""Folders of runs that are empty, in work, or broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tcmgc.errors import DataError
from tcmgc_reports.runs.read_runs import read_runs

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import RunsOut


def change(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_work_and_stray_files_are_left_out(runs: RunsOut) -> None:
    runs.add("a", [1, 2])
    (runs.path / "runs" / ".work-0123456789ab").mkdir()
    (runs.path / "runs" / ".lock").touch()
    (runs.path / "runs" / "notes.txt").touch()
    found = read_runs(runs.path)
    assert [run.record.label for run in found.runs] == ["a"]
    assert found.suite.comparisons == ()


def test_without_runs(runs: RunsOut) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_runs(runs.path)
    runs.path.mkdir()
    with pytest.raises(DataError, match="no folder runs"):
        read_runs(runs.path)
    (runs.path / "runs" / ".work-0123456789ab").mkdir(parents=True)
    with pytest.raises(DataError, match=r"no finished run[\s\S]*tcmgc run quickstart"):
        read_runs(runs.path)
    (runs.path / "file").touch()
    with pytest.raises(DataError, match="a file"):
        read_runs(runs.path / "file")


@pytest.mark.parametrize("name", ["record.json", "ranks.json", "history.json"])
def test_broken_files_are_one_message(runs: RunsOut, name: str) -> None:
    path = runs.add("a", [1, 2]) / name
    whole = path.read_text()
    for content in (whole[: len(whole) // 2], "", "[1, 2]"):
        path.write_text(content)
        with pytest.raises(DataError, match=name) as error:
            read_runs(runs.path)
        assert error.value.found
        assert error.value.expected
    path.unlink()
    with pytest.raises(DataError, match=r"(?i)no such file"):
        read_runs(runs.path)


@pytest.mark.parametrize("name", ["ranks.json", "history.json"])
def test_unknown_version(runs: RunsOut, name: str) -> None:
    change(runs.add("a", [1, 2]) / name, schema_version=2)
    with pytest.raises(DataError, match=r"schema_version 2[\s\S]*schema_version 1"):
        read_runs(runs.path)


def test_unknown_version_of_a_record(runs: RunsOut) -> None:
    change(runs.add("a", [1, 2]) / "record.json", schema_version=2)
    with pytest.raises(DataError, match="schema_version"):
        read_runs(runs.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": []}, "at least one query"),
        ({"above": [0]}, "2 entries of above, one a query, rather than 1"),
        ({"tags": [["motion"]]}, "2 entries of tags"),
        ({"above": [0, 50]}, "above \\+ size <= items"),
        ({"relevant": [0, 1]}, "1 <= relevant <= size"),
        ({"size": ["many", 1]}, "t2v.size.0\n  found:    'many'"),
    ],
)
def test_ranks_that_cannot_be(runs: RunsOut, changes: dict[str, Any], message: str) -> None:
    path = runs.add("a", [1, 2]) / "ranks.json"
    content = json.loads(path.read_text())
    content["t2v"] |= changes
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        read_runs(runs.path)


def test_missing_entries_are_named(runs: RunsOut) -> None:
    folder = runs.add("a", [1, 2])
    path = folder / "ranks.json"
    content = json.loads(path.read_text())
    del content["v2t"]["cluster"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"v2t\.cluster\n  found:    nothing"):
        read_runs(runs.path)


def test_a_record_needs_both_directions(runs: RunsOut) -> None:
    path = runs.add("a", [1, 2]) / "record.json"
    change(path, metrics={"t2v": json.loads(path.read_text())["metrics"]["t2v"]})
    with pytest.raises(DataError, match="no v2t"):
        read_runs(runs.path)


def test_nothing_trained_needs_no_history(runs: RunsOut) -> None:
    (runs.add("a", [1, 2], trained=False) / "history.json").unlink()
    assert read_runs(runs.path).runs[0].history.epochs == ()


def test_broken_suite(runs: RunsOut) -> None:
    runs.add("a", [1, 2])
    runs.suite(comparisons=[{"title": "x", "row": "a"}])
    with pytest.raises(DataError, match=r"comparisons\.0\.against"):
        read_runs(runs.path)

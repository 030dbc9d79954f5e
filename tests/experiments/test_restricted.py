"""Evaluating on some clips of a split, and that a report says the same of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tcmgc.errors import DataError
from tcmgc.experiments.evaluate_source import Source, evaluate_source
from tcmgc.experiments.plan import plan_recipe
from tcmgc.experiments.restriction import read_ids
from tcmgc.experiments.run import run_plan
from tcmgc.runs.run_folder import read_run
from tcmgc_reports.runs.read_runs import read_runs
from tcmgc_reports.runs.restrict_runs import restrict_run

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.plugins import Plugins

KEPT = [f"test-{number}" for number in (6, 1, 3)]


@pytest.fixture
def run(plugins: Plugins, folder: Path) -> Path:
    """The folder of a finished run of eight test clips."""
    planned = plan_recipe(plugins.registry, "clip4clip-meanp", protocol=str(folder / "tiny.yaml"))
    return run_plan(plugins, planned, folder / "out", device="cpu").finished[0].folder


def ids(folder: Path, *clips: str) -> Path:
    path = folder / f"{'-'.join(clips)}.txt"
    path.write_text("".join(f"{clip}\n" for clip in clips), encoding="utf-8")
    return path


def evaluated(plugins: Plugins, run: Path, *lists: Path, overrides: tuple[Any, ...] = ()) -> dict[str, Any]:
    source = Source(run, overrides=overrides, restrict_to=lists)
    return evaluate_source(plugins.registry, source, "test", device="cpu")


def test_a_report_and_an_evaluation_agree(plugins: Plugins, folder: Path, run: Path) -> None:
    found = evaluated(plugins, run, ids(folder, *KEPT))
    measures = plugins.registry.create_all("metric")
    (own,) = read_runs(folder / "out").runs
    record = restrict_run(own, frozenset(KEPT), measures).record
    assert (found["metrics"]["t2v"]["items"], found["metrics"]["t2v"]["queries"]) == (3, 3)
    for direction, metrics in found["metrics"].items():
        assert metrics == record.metrics[direction].model_dump()  # type: ignore[index]
    assert found["fingerprint_fields"] == record.fingerprint_fields
    assert found["fingerprint"] == record.fingerprint != own.record.fingerprint
    assert found["fingerprint_fields"]["clips_found"] == 3
    assert found["fingerprint_fields"]["clips_expected"] == 8


def test_bounds_are_told(plugins: Plugins, folder: Path, run: Path) -> None:
    whole = evaluated(plugins, run)
    assert whole["bounds"] == {"t2v": {}, "v2t": {}}
    found = evaluated(plugins, run, ids(folder, *KEPT))
    # The data set does not say how many captions it should have: only videos that search are bounded.
    assert found["bounds"]["t2v"] == {}
    for name, (least, most) in found["bounds"]["v2t"].items():
        assert least <= whole["metrics"]["v2t"]["values"][name] <= most


def test_several_lists_narrow_each_other(plugins: Plugins, folder: Path, run: Path) -> None:
    found = evaluated(plugins, run, ids(folder, *KEPT), ids(folder, "test-1", "test-6", "test-0"))
    assert found["metrics"]["t2v"]["items"] == 2
    reading = read_run(run).record.test_access[-1].reason
    assert reading.count("--restrict-to") == 2
    with pytest.raises(DataError, match="no clip that is in all of them"):
        evaluated(plugins, run, ids(folder, "test-1"), ids(folder, "test-2"))


def test_clips_that_are_not_there_are_an_error(plugins: Plugins, folder: Path, run: Path) -> None:
    path = ids(folder, "test-1", "train-0", "a b")
    with pytest.raises(DataError, match="2 of 3 clips that the test split has not: a b, train-0"):
        evaluated(plugins, run, path)
    assert len(read_run(run).record.test_access) == 1  # refused before anything is read


@pytest.mark.parametrize(
    ("content", "found"), [(b"\n\r\n", "no id"), (b"\xff\xfe", "no UTF-8"), (None, "no such file")]
)
def test_lists_that_are_none(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "ids.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=found):
        read_ids(path)


def test_ids_keep_their_blanks(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes("\ufeff-a b .\r\n c\r\n\r\n#d".encode())
    assert read_ids(path) == {"-a b .", " c", "#d"}

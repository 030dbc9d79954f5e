"""What lies in the folder of runs when something went wrong: damage, interruptions, a full disk."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from limits import limited_files
from tcmgc import DataError
from tcmgc.experiments import experiment
from tcmgc.experiments.plan import plan_recipe
from tcmgc.experiments.run import Outcome, run_plan
from tcmgc.files.disk import UnwritableError
from tcmgc.runs.run_folder import FILES, RunFolderWarning, RunsFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc.plugins import Plugins


def run(plugins: Plugins, folder: Path, *overrides: str, **options: Any) -> Outcome:
    plan = plan_recipe(
        plugins.registry, "xpool", protocol=folder / "tiny.yaml", overrides=overrides, **options
    )
    return run_plan(plugins, plan, folder / "out", device="cpu")


def work_of(folder: Path) -> Path:
    """Make the run that is there one that was killed before its renaming."""
    (finished,) = (folder / "out" / "runs").glob("xpool-*")
    work = finished.with_name(f".work-{finished.name.rpartition('-')[2]}")
    finished.rename(work)
    return work


DAMAGE: dict[str, Callable[[Path], object]] = {
    **{f"{name} is missing": lambda run, name=name: (run / name).unlink() for name in FILES},  # type: ignore[misc]
    "config.yaml is empty": lambda run: os.truncate(run / "config.yaml", 0),
    "ranks.json is damaged": lambda run: os.truncate(run / "ranks.json", 100),
    "record.json is damaged": lambda run: (run / "record.json").write_text("{}"),
    # Half of the weights, and half of the header that says where they are.
    "model.safetensors is damaged": lambda run: cut(run / "model.safetensors", 2),
    "model.safetensors is damaged: ": lambda run: os.truncate(run / "model.safetensors", 20),
}


def cut(path: Path, parts: int) -> None:
    os.truncate(path, path.stat().st_size // parts)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_computed_again(plugins: Plugins, folder: Path, damage: str) -> None:
    before = run(plugins, folder).finished[0]
    DAMAGE[damage](before.folder)
    with pytest.warns(RunFolderWarning, match=f"{before.folder.name} is no finished run.*{damage}"):
        again = run(plugins, folder).finished[0]
    assert again.folder == before.folder
    assert again.record.metrics == before.record.metrics
    assert {path.name for path in again.folder.iterdir()} == set(FILES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(RunsFolder(folder / "out").finished()) == 1


@pytest.mark.parametrize("content", [None, "notes.txt"])
def test_a_foreign_folder_stops_nothing(plugins: Plugins, folder: Path, content: str | None) -> None:
    foreign = folder / "out" / "runs" / "mine"
    foreign.mkdir(parents=True)
    if content is not None:
        (foreign / content).touch()
    with pytest.warns(RunFolderWarning, match="mine is no finished run.*record.json is missing; delete it"):
        assert len(run(plugins, folder).finished) == 1
    assert foreign.is_dir()


def test_a_run_with_torn_weights_is_not_only_renamed(plugins: Plugins, folder: Path) -> None:
    before = run(plugins, folder).finished[0]
    work = work_of(folder)
    cut(work / "model.safetensors", 2)
    (work / ".tcmgc-torn").touch()
    again = run(plugins, folder).finished[0]
    assert again.record.metrics == before.record.metrics
    assert {path.name for path in again.folder.iterdir()} == set(FILES)


def test_what_was_killed_before_its_renaming_gets_the_label_of_today(plugins: Plugins, folder: Path) -> None:
    run(plugins, folder)
    work = work_of(folder)
    record = json.loads((work / "record.json").read_text())
    (work / "record.json").write_text(json.dumps({**record, "label": "old"}))
    outcome = run(plugins, folder)
    assert outcome.finished[0].record.label == "xpool"
    assert [path.name for path in (folder / "out" / "runs").glob("[!.]*")] == [
        outcome.finished[0].folder.name
    ]
    assert outcome.finished[0].folder.name.startswith("xpool-seed0-")


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


def killed_after_scoring(plugins: Plugins, folder: Path, *overrides: str, **options: Any) -> Path:
    """Start a run that dies with the test split scored, and return its folder of work."""

    def kill(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "write_model", kill)
        with pytest.raises(Killed):
            run(plugins, folder, *overrides, **options)
    (work,) = (folder / "out" / "runs").glob(".work-*")
    return work


def test_both_readings_of_the_test_split_are_logged(plugins: Plugins, folder: Path) -> None:
    killed_after_scoring(plugins, folder)
    record = run(plugins, folder).finished[0].record
    reason = "evaluation of the selected weights"
    assert [access.reason for access in record.test_access] == [reason, f"{reason}, after an interruption"]


def test_work_that_nothing_goes_on_with_is_removed(plugins: Plugins, folder: Path) -> None:
    old = killed_after_scoring(plugins, folder)
    assert json.loads((old / "started.json").read_text())["label"] == "xpool"
    unknown = old.with_name(".work-unknown")
    shutil.copytree(old, unknown)
    (unknown / "started.json").write_text('{"schema_version": 1, "started": "before labels"}')
    # Another row, and another seed, may go on with theirs.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(plugins, folder, seeds=1)
        run(plugins, folder, "views.video.dropout=0.1")
    assert old.is_dir()
    # The same row and seed is another computation now.
    with pytest.warns(RunFolderWarning, match=rf"{old.name} is removed: xpool, seed 0, was interrupted"):
        run(plugins, folder, "training.epochs=1")
    assert not old.exists()
    assert unknown.is_dir()


def test_work_of_today_is_gone_on_with(plugins: Plugins, folder: Path) -> None:
    work = killed_after_scoring(plugins, folder)
    checkpoint = work / "training" / "checkpoint.safetensors"
    assert checkpoint.is_file()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(plugins, folder)


def test_a_full_disk_is_one_error(plugins: Plugins, folder: Path) -> None:
    run(plugins, folder, "trained=false")  # the frames are cached, so that the run itself is at fault
    with limited_files(4000):
        outcome = run(plugins, folder)
    (failure,) = outcome.failures
    assert isinstance(failure.error, UnwritableError)
    assert str(folder / "out") in failure.error.where
    assert "--out" in str(failure.error.hint)
    assert len(run(plugins, folder).finished) == 1


def test_an_output_folder_that_cannot_be_made(plugins: Plugins, folder: Path) -> None:
    plan = plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml")
    with pytest.raises(DataError, match=r"output /proc/x\n  found: .*\n  expected: .*\n  hint: .*--out"):
        run_plan(plugins, plan, Path("/proc/x"), device="cpu")


def test_a_config_is_on_the_disk_before_the_run_is_there(
    plugins: Plugins, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    finished = run(plugins, folder).finished[0]
    for name in FILES:
        assert (finished.folder / name).stat().st_ino in synced, name

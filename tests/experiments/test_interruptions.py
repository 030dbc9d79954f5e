"""Killed at any time, the same command goes on to the same numbers."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tcmgc_commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
PLUGINS = [word for name in ("tiny_data.py", "tiny_encoder.py") for word in ("--plugin", str(HERE / name))]


def start(folder: Path, out: str, *more: str, fresh: bool = False) -> Command:
    return Command(
        ["run", "suite.yaml", "--out", out, "--device", "cpu", *PLUGINS, *more], folder, fresh=fresh
    )


def finish(folder: Path, out: str, *more: str, fresh: bool = False) -> tuple[int, str]:
    process = start(folder, out, *more, fresh=fresh)
    return process.wait(), process.errors


def numbers(folder: Path, out: str) -> dict[str, Any]:
    """Everything of the runs that may not depend on when they were interrupted."""
    found = {}
    for path in (folder / out / "runs").glob("*/record.json"):
        record = json.loads(path.read_text())
        history = json.loads((path.parent / "history.json").read_text())
        for epoch in history["epochs"]:
            del epoch["seconds"]
        kept = ("metrics", "selection", "identity", "fingerprint", "label", "seed")
        weights = (path.parent / "model.safetensors").read_bytes()
        found[path.parent.name] = ({key: record[key] for key in kept}, history, weights)
    return found


def rows(folder: Path, *crashes: str) -> None:
    listed = "".join(
        f"  - {{recipe: xpool, label: row {n}, set: ['losses.crash={crash}', views.video.dropout=0.{n}]}}\n"
        for n, crash in enumerate(crashes)
    )
    (folder / "suite.yaml").write_text(f"protocol: tiny.yaml\nrows:\n{listed}")


def test_killed_between_two_epochs_and_in_the_first_step(folder: Path) -> None:
    # Two steps an epoch: the first row dies in its second epoch, the second one before its first update.
    crashes = [
        f"{{weight: 0, file: {folder / name}, at: {at}}}" for name, at in (("first", 3), ("second", 1))
    ]
    rows(folder, *crashes)
    assert finish(folder, "out")[0] == -signal.SIGKILL
    assert (folder / "first").exists()
    assert not (folder / "second").exists()
    assert finish(folder, "out")[0] == -signal.SIGKILL
    (first,) = (folder / "out" / "runs").glob("row-0-*/record.json")
    written = first.stat().st_mtime_ns
    status, said = finish(folder, "out")
    assert status == 0
    assert "run 1 of 2, row 0, seed 0" in said
    assert "finished before" in said
    assert first.stat().st_mtime_ns == written
    assert finish(folder, "whole")[0] == 0
    assert numbers(folder, "out") == numbers(folder, "whole")
    assert len(numbers(folder, "out")) == 2


@pytest.mark.slow
def test_killed_at_random_moments(folder: Path) -> None:
    """Against a run in an interpreter of its own, in which hashes are others."""
    generator = random.Random(0)
    for _ in range(4):
        process = start(folder, "out")
        wait_for(lambda process=process: process.errors)  # it is at work
        time.sleep(generator.uniform(0, 0.5))
        process.send(signal.SIGKILL)
        process.wait()
        for record in (folder / "out" / "runs").glob("[!.]*/record.json"):
            json.loads(record.read_text())
    assert finish(folder, "out")[0] == 0
    assert finish(folder, "whole", fresh=True)[0] == 0
    assert numbers(folder, "out") == numbers(folder, "whole")
    assert len(numbers(folder, "out")) == 6


def test_terminated_it_says_so_and_goes_on(folder: Path) -> None:
    process = start(folder, "out")
    wait_for(lambda: "epoch 1/2" in process.errors)
    process.send(signal.SIGTERM)
    assert process.wait() == 130
    assert "interrupted" in process.errors
    assert finish(folder, "out", "--seeds", "0")[0] == 0


def wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_one_run_that_fails_is_the_exit_status(folder: Path) -> None:
    (folder / "suite.yaml").write_text(
        "protocol: tiny.yaml\nrows:\n"
        "  - {recipe: xpool, label: broken, set: ['losses.failing={how: raise}']}\n"
        "  - {recipe: clip4clip-meanp, set: [trained=false]}\n"
    )
    status, said = finish(folder, "out")
    assert status == 1
    assert "no loss today" in said
    assert "error: broken, seed 0, failed: computing the loss of a batch" in said
    assert "1 runs finished, 1 failed" in said

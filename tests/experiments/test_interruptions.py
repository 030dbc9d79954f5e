"""Killed at any time, the same command goes on to the same numbers."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PLUGINS = [word for name in ("tiny_data.py", "tiny_encoder.py") for word in ("--plugin", str(HERE / name))]
START = "from tcmgc.cli.main import main; main()"


def start(folder: Path, out: str, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-c",
        START,
        "run",
        "suite.yaml",
        "--out",
        out,
        "--device",
        "cpu",
        *PLUGINS,
        *more,
    ]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finish(folder: Path, out: str, *more: str) -> tuple[int, str]:
    process = start(folder, out, *more)
    _, said = process.communicate(timeout=120)
    return process.returncode, said


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
    generator = random.Random(0)
    for _ in range(4):
        process = start(folder, "out")
        assert process.stderr is not None
        process.stderr.readline()  # the first thing that it says: it is at work
        time.sleep(generator.uniform(0, 1.5))
        process.kill()
        process.communicate()
        for record in (folder / "out" / "runs").glob("[!.]*/record.json"):
            json.loads(record.read_text())
    assert finish(folder, "out")[0] == 0
    assert finish(folder, "whole")[0] == 0
    assert numbers(folder, "out") == numbers(folder, "whole")
    assert len(numbers(folder, "out")) == 6


def test_terminated_it_says_so_and_goes_on(folder: Path) -> None:
    process = start(folder, "out")
    assert process.stderr is not None
    said = ""
    while "epoch 1/2" not in said:
        said += process.stderr.readline()
        assert process.poll() is None or "epoch 1/2" in said, said
    process.send_signal(signal.SIGTERM)
    said += process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted" in said
    assert finish(folder, "out", "--seeds", "0")[0] == 0


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

"""``tcmgc data prepare`` itself, killed at random moments: the cache is as if nobody had killed it."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from frame_cases import folders, unfinished
from tcmgc.cli.main import main
from tcmgc.data.frame_work import read_journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KILLS = 10
CLIPS = 40
LOST = 2
COMMAND = "import sys; from tcmgc.cli.main import main; sys.exit(main(sys.argv[1:]))"
"""What the script ``tcmgc`` does."""

PLUGIN = """
import time
from tcmgc import hookimpl
from tcmgc_plugins.readers.pyav_reader import PyavReader


class Slow(PyavReader):
    def open(self, path):
        time.sleep(0.4)
        return super().open(path)


@hookimpl
def tcmgc_register(register):
    register.reader("slow", Slow)
"""


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def done(cache: Path) -> int:
    """How many clips are decoded, in finished frames and in others."""
    frames = cache / "frames"
    lines = sum(len(read_journal(work)) for work in frames.glob(".work-*"))
    rows = [folder / "manifest.json" for folder in (folders(cache) if frames.is_dir() else [])]
    return lines + sum(len(re.findall(r'"sha256"', manifest.read_text())) for manifest in rows)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_ten_times_it_is_as_made_in_one_run(tmp_path: Path) -> None:
    """Some of the clips cannot be read, so that rows are moved at the end, too."""
    root, plugin = tmp_path / "mini", tmp_path / "slow_reader.py"
    main(["data", "mock", "msr-vtt", "--videos", str(CLIPS), "--root", str(root)])
    for path in sorted((root / "MSRVTT_Videos").iterdir())[3 : 3 + LOST]:
        path.write_text("no video")
    plugin.write_text(PLUGIN)

    def start(cache: Path) -> subprocess.Popen[str]:
        command = ["data", "prepare", "msr-vtt", "missing=drop", "--root", str(root), "--workers", "2"]
        more = ["--plugin", str(plugin), "--set", "reader=slow", "--set", "sampler.frames=2"]
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *command, *more],
            env={**os.environ, "TCMGC_CACHE": str(cache)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    once, killed = tmp_path / "once", tmp_path / "killed"
    process, began = start(once), time.monotonic()
    wait_for(lambda: done(once) > 0)
    until_first = time.monotonic() - began
    said, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert f"{LOST} clips are left out" in said
    chance, kept = random.Random(0), []
    for turn in range(KILLS):
        process = start(killed)
        if turn % 2:  # at any time of the decoding, however long it takes to begin
            wait_for(lambda before=kept[-1]: done(killed) > before)
            time.sleep(chance.uniform(0.0, 0.5))
        else:
            time.sleep(chance.uniform(0.2, until_first + 1.0))
        assert process.poll() is None, "it was done before it was killed often enough"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kept.append(done(killed))
    assert kept == sorted(kept), "a clip that was decoded is lost"
    assert 0 < kept[-1] < CLIPS
    process = start(killed)
    assert process.communicate() == (said, "")
    assert not unfinished(killed)
    assert [folder.name for folder in folders(killed)] == [folder.name for folder in folders(once)]
    for one, other in zip(folders(once), folders(killed), strict=True):
        assert content(one) == content(other)


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)

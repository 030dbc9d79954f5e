"""``tcmgc data prepare`` itself, killed at random moments: the cache is as if nobody had killed it."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from frame_cases import folders, unfinished
from tcmgc.cli.main import main
from tcmgc.data.frame_work import read_journal
from tcmgc_commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KILLS = 10
CLIPS = 36
LOST = 2
AT_ONCE = 3
"""Clips that are decoded before a kill, at most."""

PLUGIN = """
import time
from pathlib import Path
from tcmgc import hookimpl
from tcmgc_plugins.readers.pyav_reader import PyavReader

TICKETS = Path({tickets!r})


def takes_a_ticket():
    for ticket in TICKETS.iterdir():
        try:
            ticket.unlink()
            return True
        except FileNotFoundError:  # the other worker took it
            pass
    return False


class Ticketed(PyavReader):
    def open(self, path):
        while not takes_a_ticket():
            time.sleep(0.02)
        return super().open(path)


@hookimpl
def tcmgc_register(register):
    register.reader("ticketed", Ticketed)
"""
"""A reader that opens as many videos as there are tickets, so that no machine is too fast to be killed."""


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
    tickets = tmp_path / "tickets"
    tickets.mkdir()
    plugin.write_text(PLUGIN.format(tickets=str(tickets)))

    def give(count: int) -> None:
        for number in range(count):
            (tickets / str(number)).touch()

    def start(cache: Path, *, fresh: bool = False) -> Command:
        words = ["data", "prepare", "msr-vtt", "missing=drop", "--root", str(root), "--workers", "2"]
        words += ["--plugin", str(plugin), "--set", "reader=ticketed", "--set", "sampler.frames=2"]
        return Command(words, tmp_path, {"TCMGC_CACHE": str(cache)}, fresh=fresh)

    once, killed = tmp_path / "once", tmp_path / "killed"
    give(CLIPS)
    first = start(once, fresh=True)  # with other hashes
    assert (first.wait(), first.errors) == (0, "")
    assert f"{LOST} clips are left out" in first.out
    chance, kept, until_first = random.Random(0), [0], 1.0
    for turn in range(KILLS):
        give(AT_ONCE)
        process, began = start(killed), time.monotonic()
        if turn % 2:  # at any time of the decoding, however long it takes to begin
            wait_for(lambda before=kept[-1]: done(killed) > before)
            until_first = time.monotonic() - began
            time.sleep(chance.uniform(0.0, 0.05))
        else:
            time.sleep(chance.uniform(0.0, 1.2 * until_first))
        process.send(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        kept.append(done(killed))
    assert kept == sorted(kept), "a clip that was decoded is lost"
    assert 0 < kept[-1] < CLIPS
    give(CLIPS)
    process = start(killed)
    assert (process.wait(), process.out, process.errors) == (0, first.out, "")
    assert not unfinished(killed)
    assert [folder.name for folder in folders(killed)] == [folder.name for folder in folders(once)]
    for one, other in zip(folders(once), folders(killed), strict=True):
        assert content(one) == content(other)


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)

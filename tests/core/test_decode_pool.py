"""Workers that decode: any number gives the same, one that fails costs its clip, and none is left."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bad_readers import Chatty, Crashing, Elsewhere, Hanging, Raising
from frame_cases import folders, late_once_it_hangs, load
from tcmgc.data import decode_pool
from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.data.decode_pool import _Pool, _Worker
from tcmgc.data.decode_worker import Job
from tcmgc.errors import DataError
from tcmgc.plugins import Plugins
from tcmgc_plugins.readers.pyav_reader import PyavReader
from tcmgc_plugins.samplers.uniform import Uniform

if TYPE_CHECKING:
    from video_files import VideoFolder


@pytest.mark.parametrize("workers", [0, 2, None])
def test_any_number_of_workers_gives_the_same(videos: VideoFolder, cache: Path, workers: int | None) -> None:
    decoding = Decoding(PyavReader(), Uniform(frames=9), 32)
    expected = [decoding(clip)[0] for clip in videos.split("test").clips]
    data = load(videos, workers=workers)
    for row, pixels in enumerate(expected):
        assert np.array_equal(data.pixels[row, : len(pixels)], pixels)
    assert len(folders(cache)) == 1


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_clips_are_one_error(videos: VideoFolder, cache: Path, workers: int) -> None:
    (videos.folder / "0.mp4").write_text("no video")
    (videos.folder / "2.mp4").write_text("no video either")
    with pytest.raises(DataError) as caught:
        load(videos, workers=workers)
    said = str(caught.value)
    assert said.startswith(f"clip 0: video {videos.folder / '0.mp4'}\n")
    assert "Invalid data" in said
    assert "2 of 3 clips are unreadable, also clip 2" in said
    assert not folders(cache)


def test_a_crash_costs_its_clip_only(videos: VideoFolder) -> None:
    with pytest.raises(DataError, match=r"clip 1: .*\n.*crashes: signal 6, .*\n") as caught:
        load(videos, Crashing(), workers=1)
    assert "of 3 clips" not in str(caught.value)


def test_a_hang_ends_at_the_time_limit(videos: VideoFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    late_once_it_hangs(monkeypatch, videos.folder)
    with pytest.raises(DataError, match=r"clip 1: .*\n.*no answer within 600 s"):
        load(videos, Hanging(), workers=1)


def test_who_is_late_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "START", "import time; time.sleep(600)")
    worker = _Worker()
    for since in (None, time.monotonic() - 4000):
        worker._waits_since = since
        worker.kill_if_late(5000.0)
        assert worker._process.poll() is None
    worker._waits_since = time.monotonic() - 6000
    worker.kill_if_late(5000.0)
    assert "no answer within 5000 s" in worker.failure(CLIPS[0], 5000.0).found
    worker.close()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bug_in_a_reader_names_the_clip(videos: VideoFolder, workers: int) -> None:
    with pytest.raises(DataError, match=r"clip 1: .*\n.*KeyError: 'key'"):
        load(videos, Raising(), workers=workers)


def test_a_decoder_may_print(videos: VideoFolder) -> None:
    assert load(videos, Chatty(), workers=1).mask.sum() == 26


def test_readers_of_a_plugin_file_decode_in_workers(videos: VideoFolder, tmp_path: Path) -> None:
    source = (Path(__file__).parents[1] / "bad_readers.py").read_text()
    hook = "\nfrom tcmgc import hookimpl\n\n@hookimpl\ndef tcmgc_register(register):\n"
    file = tmp_path / "mine.py"
    file.write_text(source + hook + "    register.reader('elsewhere', Elsewhere)\n")
    plugins = Plugins()
    plugins.load_file(file)
    reader = plugins.registry.create("reader", {"name": "elsewhere"}, {})
    assert load(videos, reader, workers=1).mask.sum() == 26
    assert int((videos.folder / "1.pid").read_text()) != os.getpid()


def test_readers_that_no_worker_can_import_decode_here(videos: VideoFolder) -> None:
    class Local(Elsewhere):
        pass

    assert load(videos, Local(), workers=1).mask.sum() == 26
    assert int((videos.folder / "1.pid").read_text()) == os.getpid()
    (videos.folder / "1.pid").unlink()
    Elsewhere.__module__ = "gone"  # pickled here, unknown there
    try:
        sys.modules["gone"] = sys.modules["bad_readers"]
        assert load(videos, Elsewhere(), frames=8, workers=1).mask.sum() == 24
    finally:
        Elsewhere.__module__ = "bad_readers"
        del sys.modules["gone"]
    assert int((videos.folder / "1.pid").read_text()) == os.getpid()


CLIPS = [Clip(str(row), Path(f"{row}.mp4")) for row in range(64)]


class Made:
    """The first one answers once there is a second, which takes half a second to make, and hangs."""

    workers: list[Made]
    being_made: threading.Event

    def __init__(self) -> None:
        self.number = len(Made.workers)
        Made.workers.append(self)
        self.killed, self.closed = threading.Event(), False
        if self.number:
            Made.being_made.set()
            time.sleep(0.5)

    def start(self, job: object) -> str | None:
        return None

    def ask(self, question: object) -> None:
        pass

    def answer(self) -> object:
        if self.number == 0 and not self.killed.is_set():
            assert Made.being_made.wait(60)
            return "done"
        self.killed.wait(600)
        return None

    def kill_if_late(self, time_limit: float) -> None:
        pass

    def kill(self) -> None:
        self.killed.set()

    def failure(self, clip: Clip, time_limit: float) -> object:
        return "done"

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> type[Made]:
    Made.workers, Made.being_made = [], threading.Event()
    monkeypatch.setattr(decode_pool, "_Worker", Made)
    return Made


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_worker_that_is_being_made_at_an_interruption_is_ended(made: type[Made]) -> None:
    pool = _Pool(Job((), b"", Path()), CLIPS, 2)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        pool.run([None] * len(CLIPS), interrupt)
    assert time.monotonic() - began < 60
    assert len(made.workers) == 2
    assert made.workers[1].killed.is_set()
    assert all(worker.closed for worker in made.workers)
    assert not any(thread.is_alive() for thread in pool._threads)


def test_an_interruption_does_not_wait_for_ever(made: type[Made], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "FAREWELL", 0.5)
    monkeypatch.setattr(made, "kill", lambda _: None)
    pool = _Pool(Job((), b"", Path()), CLIPS, 2)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        pool.run([None] * len(CLIPS), interrupt)
    assert time.monotonic() - began < 60
    for worker in made.workers:
        worker.killed.set()


def test_an_interruption_before_all_threads_are_started(
    made: type[Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    made.being_made.set()
    pool = _Pool(Job((), b"", Path()), CLIPS, 2)

    def start() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pool._threads[1], "start", start)
    with pytest.raises(KeyboardInterrupt):
        pool.run([None] * len(CLIPS), None)


def test_a_worker_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "FAREWELL", 0.3)
    monkeypatch.setattr(decode_pool, "START", "import time; time.sleep(600)")
    worker = _Worker()
    began = time.monotonic()
    worker.close()
    assert time.monotonic() - began < 60
    assert worker._process.returncode is not None
    assert worker._process.returncode < 0

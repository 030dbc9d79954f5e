"""Decoding many clips in worker processes.

A decoder that crashes or never comes back takes its process along: so each worker is one, started as a
fresh interpreter (a fork of a process with threads is not safe, and ``multiprocessing``'s other ways run
the user's script again). A clip whose worker dies or exceeds `TIME_LIMIT` is an error of that clip, and
a new worker goes on with the next.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from .decode_worker import Decoded, Failed, Job, Ready, decode_into

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .clip import Clip
    from .decode import Decoding

TIME_LIMIT = 600.0
"""Seconds that one clip may take."""
WATCH = 1.0
"""Seconds after which the time limit is looked at again."""
FAREWELL = 10.0
"""Seconds that what is told to end may take to do so."""
CLIPS_AT_ONCE = 8
"""Clips that a worker is sent together, at most, so that it need not wait for the next."""
CLIPS_A_WORKER = 32
"""A worker takes 0.3 s to start, in which another decodes about as many small clips."""
START = "import sys; sys.path[:] = sys.argv[1:]; from tcmgc.data.decode_worker import main; main()"


def cores() -> int:
    """Count the cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def decode_clips(
    decoding: Decoding,
    clips: Sequence[Clip],
    frames: Path | NDArray[np.uint8],
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Decoded | Failed]:
    """Decode clips into the rows of a file or of an array.

    Parameters
    ----------
    decoding
        How. Where another process cannot import its reader or sampler, this process decodes.
    clips
        One a row.
    frames
        uint8 [V, F, S, S, 3], zeros; as a ``.npy`` file, workers write into it themselves.
    workers
        Processes; 0 to decode in this one; None for as many as there are cores and enough clips for.
    progress
        Called with the clips that are done and the clips in all.

    Returns
    -------
    list
        The outcome of every clip.
    """
    if workers is None:
        workers = min(cores(), -(-len(clips) // CLIPS_A_WORKER))
    file, array = (frames, None) if isinstance(frames, Path) else (None, frames)
    job = _job(decoding, file) if workers else None
    found: list[Decoded | Failed | None] = [None] * len(clips)
    if job is not None:
        _Pool(job, clips, workers, array).run(found, progress)
    left = [row for row, outcome in enumerate(found) if outcome is None]
    if left:
        rows = array if file is None else np.load(file, mmap_mode="r+")
        for count, row in enumerate(left, start=1 + len(clips) - len(left)):
            found[row] = decode_into(decoding, rows, row, clips[row])
            if progress is not None:
                progress(count, len(clips))
    return [outcome for outcome in found if outcome is not None]


def _job(decoding: Decoding, frames: Path | None) -> Job | None:
    """Write a job down; None where it cannot be."""
    modules = (sys.modules.get(type(part).__module__) for part in (decoding.reader, decoding.sampler))
    files = {
        module.__file__ for module in modules if module is not None and module.__name__.startswith("_tcmgc")
    }
    try:
        pickled = pickle.dumps(decoding)
    except Exception:  # pickle raises many kinds: of a lambda, a handle, a local class
        return None
    return Job(tuple(Path(file) for file in sorted(filter(None, files))), pickled, frames)


class _Pool:
    """Threads, one a worker, that hand out clips and collect answers."""

    def __init__(
        self, job: Job, clips: Sequence[Clip], workers: int, frames: NDArray[np.uint8] | None = None
    ) -> None:
        self._job = job
        self._clips = clips
        self._frames = frames
        """Where frames go that are sent with the answers; None where workers write into a file."""
        self._rows: SimpleQueue[int] = SimpleQueue()
        for row in range(len(clips)):
            self._rows.put(row)
        self._answers: SimpleQueue[tuple[int, Decoded | Failed] | None] = SimpleQueue()
        self._lock = threading.Lock()
        """Of the two below: no worker is made once the pool is stopped."""
        self._stopped = False
        self._running: set[_Worker] = set()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]

    def run(self, found: list[Decoded | Failed | None], progress: Callable[[int, int], None] | None) -> None:
        """Fill in the outcomes; what no worker could do stays None."""
        done, at_work, watched = 0, len(self._threads), time.monotonic()
        try:
            for thread in self._threads:
                thread.start()
            while at_work:
                if time.monotonic() - watched > WATCH:
                    watched = time.monotonic()
                    for worker in self._at_work():
                        worker.kill_if_late()
                try:
                    answer = self._answers.get(timeout=WATCH)
                except Empty:
                    continue
                if answer is None:
                    at_work -= 1
                    continue
                row, found[row] = answer
                done += 1
                if progress is not None:
                    progress(done, len(self._clips))
        finally:
            self._stop()

    def _stop(self) -> None:
        """End all workers and the threads; what does not end in time is left to itself."""
        with self._lock:
            self._stopped = True
        for worker in self._at_work():
            worker.kill()
        end = time.monotonic() + FAREWELL
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join(max(0.0, end - time.monotonic()))

    def _at_work(self) -> tuple[_Worker, ...]:
        with self._lock:
            return tuple(self._running)

    def _new_worker(self) -> _Worker | None:
        """Make a worker; None once the pool is stopped, or where the system has no room for one."""
        with self._lock:
            if self._stopped:
                return None
            try:
                worker = _Worker()
            except OSError:
                return None
            self._running.add(worker)
            return worker

    def _end_worker(self, worker: _Worker) -> None:
        worker.close()
        with self._lock:
            self._running.discard(worker)

    def _serve(self) -> None:
        worker: _Worker | None = None
        try:
            while not self._stopped and (rows := self._some_rows()):
                if worker is None:
                    worker = self._new_worker()
                    if worker is None or worker.start(self._job) is not None:
                        self._put_back(rows)
                        break
                self._decode(worker, rows)
                if rows:  # the first of those left ended the worker
                    failed = rows.popleft()
                    self._put_back(rows)
                    self._answers.put((failed, worker.failure(self._clips[failed])))
                    self._end_worker(worker)
                    worker = None
        finally:
            if worker is not None:
                self._end_worker(worker)
            self._answers.put(None)

    def _some_rows(self) -> deque[int]:
        rows: deque[int] = deque()
        # Fewer towards the end, so that the workers end together.
        most = max(1, min(CLIPS_AT_ONCE, self._rows.qsize() // (2 * len(self._threads))))
        try:
            while len(rows) < most:
                rows.append(self._rows.get_nowait())
        except Empty:
            return rows
        return rows

    def _put_back(self, rows: deque[int]) -> None:
        for row in rows:
            self._rows.put(row)

    def _decode(self, worker: _Worker, rows: deque[int]) -> None:
        """Take from ``rows`` what is answered."""
        worker.ask([(row, self._clips[row]) for row in rows])
        while rows:
            answer = worker.answer()
            if not isinstance(answer, (Decoded, Failed)):
                return
            row = rows.popleft()
            if self._frames is not None and isinstance(answer, Decoded) and answer.pixels is not None:
                self._frames[row, : len(answer.pixels)] = answer.pixels
                answer = replace(answer, pixels=None)
            self._answers.put((row, answer))


class _Worker:
    """A process of `tcmgc.data.decode_worker`."""

    def __init__(self) -> None:
        self._late = False
        self._waits_since: float | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-c", START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def start(self, job: Job) -> str | None:
        """Hand over the job; return why it cannot be done, if it cannot."""
        self.ask(job)
        answer = self.answer()
        return answer.problem if isinstance(answer, Ready) else "it does not start"

    def ask(self, question: object) -> None:
        """Send an object; nothing where the process has ended."""
        assert self._process.stdin is not None
        try:
            pickle.dump(question, self._process.stdin)
            self._process.stdin.flush()
        except OSError:
            return

    def answer(self) -> object:
        """Wait for an answer; None when the process ended, or was killed for its slowness."""
        assert self._process.stdout is not None
        self._waits_since = time.monotonic()
        try:
            return pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            return None
        finally:
            self._waits_since = None

    def kill_if_late(self) -> None:
        """End it when the answer that is waited for takes too long."""
        since = self._waits_since
        if since is not None and time.monotonic() - since > TIME_LIMIT:
            self._late = True
            self.kill()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def failure(self, clip: Clip) -> Failed:
        """Say why it ended at a clip."""
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        if self._late:
            found = f"no answer within {TIME_LIMIT:g} s: the decoder hangs"
        else:
            ended = f"signal {-status}" if status < 0 else f"exit status {status}"
            found = f"the decoder crashes: {', '.join([ended, *lines[-1:]])}"
        where = f"clip {clip.id}: video {clip.path}"
        return Failed(where, found, "a readable video", "another reader may read it")

    def close(self) -> None:
        """Let it end, and wait; it is killed where it takes too long."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

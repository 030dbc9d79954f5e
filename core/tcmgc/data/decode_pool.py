"""Working on many clips in worker processes.

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
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from .decode_worker import Failed, Job, Ready, attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .clip import Clip
    from .decode_worker import Task

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


def work_on_clips(
    task: Task,
    clips: Sequence[Clip],
    *,
    workers: int | None = None,
    time_limit: float | None = None,
    told: Callable[[int, object], None] | None = None,
) -> list[object]:
    """Do a task with every clip.

    Parameters
    ----------
    task
        What to do. Where another process cannot import its components, this process does it.
    clips
        Their places are the numbers that the task is told.
    workers
        Processes; 0 to work in this one; None for as many as there are cores and enough clips for.
    time_limit
        Seconds that one clip may take in a worker; `TIME_LIMIT` when left out.
    told
        Called with each clip's number and answer, in the order in which they come.

    Returns
    -------
    list
        The answer for every clip: the task's, or a `tcmgc.data.decode_worker.Failed`.
    """
    if workers is None:
        workers = min(cores(), -(-len(clips) // CLIPS_A_WORKER))
    job = _job(task) if workers else None
    found: list[object] = [None] * len(clips)
    if job is not None:
        _Pool(job, clips, workers, time_limit or TIME_LIMIT).run(found, told)
    for number, clip in enumerate(clips):
        if found[number] is None:
            found[number] = attempt(task, number, clip)
            if told is not None:
                told(number, found[number])
    return found


def _job(task: Task) -> Job | None:
    """Write a job down; None where it cannot be."""
    modules = (sys.modules.get(type(part).__module__) for part in task.components)
    files = {
        module.__file__ for module in modules if module is not None and module.__name__.startswith("_tcmgc")
    }
    try:
        pickled = pickle.dumps(task)
    except Exception:  # pickle raises many kinds: of a lambda, a handle, a local class
        return None
    return Job(tuple(Path(file) for file in sorted(filter(None, files))), pickled, os.getpid())


class _Pool:
    """Threads, one a worker, that hand out clips and collect answers."""

    def __init__(self, job: Job, clips: Sequence[Clip], workers: int, time_limit: float = TIME_LIMIT) -> None:
        self._job = job
        self._clips = clips
        self._time_limit = time_limit
        self._rows: SimpleQueue[int] = SimpleQueue()
        for row in range(len(clips)):
            self._rows.put(row)
        self._answers: SimpleQueue[tuple[int, object] | None] = SimpleQueue()
        self._lock = threading.Lock()
        """Of the two below: no worker is made once the pool is stopped."""
        self._stopped = False
        self._running: set[_Worker] = set()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]

    def run(self, found: list[object], told: Callable[[int, object], None] | None) -> None:
        """Fill in the answers; what no worker could do stays None."""
        at_work, watched = len(self._threads), time.monotonic()
        try:
            for thread in self._threads:
                thread.start()
            while at_work:
                if time.monotonic() - watched > WATCH:
                    watched = time.monotonic()
                    for worker in self._at_work():
                        worker.kill_if_late(self._time_limit)
                try:
                    answer = self._answers.get(timeout=WATCH)
                except Empty:
                    continue
                if answer is None:
                    at_work -= 1
                    continue
                row, found[row] = answer
                if told is not None:
                    told(row, found[row])
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
                    self._answers.put((failed, worker.failure(self._clips[failed], self._time_limit)))
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
            if answer is None:
                return
            self._answers.put((rows.popleft(), answer))


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

    def kill_if_late(self, time_limit: float) -> None:
        """End it when the answer that is waited for takes too long."""
        since = self._waits_since
        if since is not None and time.monotonic() - since > time_limit:
            self._late = True
            self.kill()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()

    def failure(self, clip: Clip, time_limit: float) -> Failed:
        """Say why it ended at a clip."""
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        if self._late:
            found = f"no answer within {time_limit:g} s: the decoder hangs"
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

"""The worker process that works on clips: what `tcmgc.data.decode_pool` starts and talks to.

It reads pickled objects from standard input: first a `Job`, then lists of numbers and clips. On standard
output it answers for the job and for every clip. It ends when its input does, and with its parent.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from tcmgc.errors import TcmgcError

if TYPE_CHECKING:
    from pathlib import Path

    from .clip import Clip

ON_PARENTS_DEATH = 1
"""``PR_SET_PDEATHSIG`` of Linux's ``prctl``."""
LOOKS = 0.5
"""Seconds after which a worker of another system looks whether its parent is still there."""


class Task(Protocol):
    """What is done with every clip; it is pickled to go to a worker."""

    @property
    def components(self) -> tuple[object, ...]:
        """Those that it uses: their plugin files are loaded first."""
        ...

    def __call__(self, number: int, clip: Clip) -> object:
        """Work on the clip of a number: an answer that can be pickled, and is not None.

        Raises
        ------
        TcmgcError
            When it cannot be done; it becomes a `Failed`.
        """
        ...


@dataclass(frozen=True)
class Job:
    """What a worker is told first.

    Parameters
    ----------
    files
        Plugin files that the task's classes come from; they are not importable by name.
    task
        The pickled `Task`.
    parent
        The process that it works for, with which it ends; None for no such process.
    """

    files: tuple[Path, ...]
    task: bytes
    parent: int | None = None


@dataclass(frozen=True)
class Failed:
    """A clip's answer: the parts of a `DataError`."""

    where: str
    found: str | None
    expected: str | None
    hint: str | None

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        return self.found or "nothing is known"


@dataclass(frozen=True)
class Ready:
    """The job's answer; with the reason why this process cannot do it, if it cannot."""

    problem: str | None = None


def attempt(task: Task, number: int, clip: Clip) -> object:
    """Do a task with a clip; what tcmgc says of it is the answer `Failed`."""
    try:
        return task(number, clip)
    except TcmgcError as error:
        return Failed(error.where, error.found, error.expected, error.hint)


def main() -> None:
    """Serve until standard input ends."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a decoder prints must not get between the answers
    job: Job = pickle.load(requests)
    end_with(job.parent)
    try:
        _load(job.files)
        task: Task = pickle.loads(job.task)
    except Exception as error:  # whatever its import raises
        _send(answers, Ready(f"{type(error).__name__}: {error}"))
        return
    _send(answers, Ready())
    while True:
        try:
            clips = pickle.load(requests)
        except EOFError:
            return
        for number, clip in clips:
            _send(answers, attempt(task, number, clip))


def end_with(parent: int | None) -> None:
    """End this process when its parent ends, killed or not, even while a decoder hangs.

    The frames that a worker writes go into a file that the parent's successor takes over.
    """
    if parent is None or os.name != "posix":
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(ON_PARENTS_DEATH, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before it could be watched
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOKS)
    os._exit(1)


def _load(files: tuple[Path, ...]) -> None:
    if files:
        from tcmgc.plugins import Plugins

        plugins = Plugins()
        for file in files:
            plugins.load_file(file)


def _send(answers: BinaryIO, answer: object) -> None:
    pickle.dump(answer, answers)
    answers.flush()

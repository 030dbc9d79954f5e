"""``tcmgc`` in processes of their own: forked on Linux, where that is safe, else as fresh ones."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

from command_client import Process, request

if TYPE_CHECKING:
    import signal

FORKS = sys.platform == "linux"
START = "import sys; from tcmgc.cli.main import main; sys.exit(main(sys.argv[1:]))"
"""What the script ``tcmgc`` does."""
SCRIPT = """\
#!{python} -IS
import os, sys
sys.path.append({tests!r})
from command_client import script
sys.exit(script({server!r}, sys.argv[1:], os.getcwd(), dict(os.environ)))
"""


@cache
def folder() -> Path:
    """Start the server, which ends with this process; return its folder, in which a script asks it."""
    tests = Path(__file__).parent
    made = Path(tempfile.mkdtemp(prefix="tcmgc-commands-"))
    server = str(made / "socket")
    command = [sys.executable, str(tests / "command_server.py"), server]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)

    def end() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        shutil.rmtree(made, ignore_errors=True)

    atexit.register(end)
    while not Path(server).exists():
        assert process.poll() is None, "the server of commands does not start"
        time.sleep(0.01)
    (made / "tcmgc").write_text(SCRIPT.format(python=sys.executable, tests=str(tests), server=server))
    (made / "tcmgc").chmod(0o755)
    return made


class Command:
    """``tcmgc`` with some words, at work.

    Parameters
    ----------
    words
        Its arguments.
    cwd
        Where.
    environment
        Over this process's.
    fresh
        Start an interpreter for it, in which hashes are others.
    """

    def __init__(
        self, words: list[str], cwd: Path, environment: dict[str, str] | None = None, *, fresh: bool = False
    ) -> None:
        self._out, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self._said: tuple[str, str] | None = None
        every = {**os.environ, **(environment or {})}
        self._process: Process | subprocess.Popen[bytes]
        if FORKS and not fresh:
            with Path(os.devnull).open("rb") as nothing:
                files = (nothing.fileno(), self._out.fileno(), self._errors.fileno())
                self._process = request(str(folder() / "socket"), words, str(cwd), every, files)
        else:
            self._process = subprocess.Popen(
                [sys.executable, "-c", START, *words],
                **{"cwd": cwd, "env": every, "start_new_session": True},
                **{"stdin": subprocess.DEVNULL, "stdout": self._out, "stderr": self._errors},
            )

    @property
    def out(self) -> str:
        """What it printed so far."""
        return self._said[0] if self._said else _content(self._out)

    @property
    def errors(self) -> str:
        """What it said on standard error so far."""
        return self._said[1] if self._said else _content(self._errors)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and the processes that it started, unless it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""
        status = self._process.wait(600)
        self._said = self.out, self.errors
        self._out.close()
        self._errors.close()
        return status


def _content(file: IO[bytes]) -> str:
    """Read a file without moving the place where another process writes."""
    return os.pread(file.fileno(), 10**7, 0).decode()

"""Asks a `command_server` for a process, with its arguments, folder, environment and standard files.

It imports little, as the script ``tcmgc`` of documentation's blocks is this.
"""

from __future__ import annotations

import json
import socket


class Process:
    """A process that was forked: the number ``pid``, and a group of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("rb")
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status, or what killed it as a negative number."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._connection.close()
        return self.returncode


def request(
    server: str, words: list[str], folder: str, environment: dict[str, str], files: tuple[int, int, int]
) -> Process:
    """Run ``tcmgc`` with words as its arguments; files are input, output and errors."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(server)
    socket.send_fds(connection, [b"\n"], files)
    about = {"words": words, "folder": folder, "environment": environment}
    connection.sendall(json.dumps(about).encode() + b"\n")
    return Process(connection)


def script(server: str, words: list[str], folder: str, environment: dict[str, str]) -> int:
    """Do what the script ``tcmgc`` does, and return its exit status."""
    status = request(server, words, folder, environment, (0, 1, 2)).wait()
    return status if status >= 0 else 128 - status

"""Forks ``tcmgc`` from a process that imported what it needs, so that a start takes no seconds.

``python command_server.py SOCKET`` is that process, and ends with its standard input. It computes nothing,
so that it has no threads that a fork would lose. `command_client` says what it is asked and answers.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module

USED = (
    *("lightning_fabric", "open_clip", "scipy.stats", "tabulate", "torch", "torch.utils.flop_counter"),
    *("tcmgc.cli.data_prepare", "tcmgc.cli.run", "tcmgc.cli.score", "tcmgc.cli.search", "tcmgc.search"),
    *("tcmgc.data.frames", "tcmgc.engine.train", "tcmgc.experiments.evaluate", "tcmgc.experiments.run"),
    *("tcmgc_benchmarks.plugin", "tcmgc_benchmarks.bench.command", "tcmgc_reports.plugin"),
    *("tcmgc_plugins.plugin", "tcmgc_plugins.encoders.open_clip_encoder"),
    "tcmgc_plugins.readers.pyav_reader",
)
"""What commands import when they come to it."""


def asked(path: str) -> socket.socket:
    """Serve for ever; return, in a new process, the connection of who asks."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    for name in USED:
        with suppress(ImportError):
            import_module(name)
    gc.freeze()  # what is collected in a new process need not copy all of it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([0, listener], [], [])
        if 0 in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return connection
        connection.close()


def become(connection: socket.socket) -> None:
    """Return as the process that was asked for; the one that calls tells of it, and ends."""
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    about = json.loads(connection.makefile("rb").readline())
    pid = os.fork()
    if pid:
        with suppress(OSError):
            os.setpgid(pid, pid)
        for file in files:
            os.close(file)
        connection.sendall(b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):
            connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    with suppress(OSError):
        os.setpgid(0, 0)
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(about["folder"])
    os.environ.clear()
    os.environ.update(about["environment"])
    for place in reversed(os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        if place and place not in sys.path:
            sys.path.insert(0, place)
    sys.argv[:] = ["tcmgc", *about["words"]]


if __name__ == "__main__":
    del sys.path[0]  # this folder, which is not on a command's path
    become(asked(sys.argv[1]))
    from tcmgc.cli.main import main

    if "OMP_NUM_THREADS" in os.environ and "torch" in sys.modules:  # which read it when it was imported
        sys.modules["torch"].set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    try:
        sys.exit(main())
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # taking modules apart takes longer than most commands

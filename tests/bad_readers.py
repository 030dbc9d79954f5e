"""Readers that misbehave; worker processes import them from here."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tcmgc_plugins.readers.pyav_reader import PyavReader, PyavVideo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Misbehaving(PyavReader):
    """Does something else for the clip whose file is ``1.mp4``."""

    def misbehave(self, path: Path) -> None:
        raise NotImplementedError

    @contextmanager
    def open(self, path: Path) -> Iterator[PyavVideo]:
        if path.name == "1.mp4":
            self.misbehave(path)
        with super().open(path) as video:
            yield video


class Crashing(Misbehaving):
    """Dies as a decoder with a fault in native code does."""

    def misbehave(self, path: Path) -> None:
        print("fault in native code", file=sys.stderr, flush=True)
        os.abort()


class Hanging(Misbehaving):
    """Never comes back, and says so beside the video."""

    def misbehave(self, path: Path) -> None:
        path.with_suffix(".hangs").touch()
        time.sleep(1000)


class Raising(Misbehaving):
    """Has a bug."""

    def misbehave(self, path: Path) -> None:
        {}["key"]


class Chatty(Misbehaving):
    """Prints to where the answers go."""

    def misbehave(self, path: Path) -> None:
        os.write(1, b"decoding...\n")


class Slow(PyavReader):
    """Takes its time."""

    @contextmanager
    def open(self, path: Path) -> Iterator[PyavVideo]:
        time.sleep(0.3)
        with super().open(path) as video:
            yield video


class Waiting(PyavReader):
    """Waits for as long as there is a file ``wait`` beside the video."""

    @contextmanager
    def open(self, path: Path) -> Iterator[PyavVideo]:
        while path.with_name("wait").exists():
            time.sleep(0.05)
        with super().open(path) as video:
            yield video


class Elsewhere(PyavReader):
    """Leaves the number of its process beside the video."""

    @contextmanager
    def open(self, path: Path) -> Iterator[PyavVideo]:
        path.with_suffix(".pid").write_text(str(os.getpid()))
        with super().open(path) as video:
            yield video

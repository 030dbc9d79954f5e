"""The worker process that decodes: what `tcmgc.data.decode_pool` starts and talks to.

It reads pickled objects from standard input: first a `Job`, then lists of rows and clips. On standard
output it answers for the job and for every clip. Frames go straight into the mapped file, so that no
pixel passes through the pipe, unless there is no file. It ends when its input does.
"""

from __future__ import annotations

import os
import pickle
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from tcmgc.errors import TcmgcError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .decode import Decoding


@dataclass(frozen=True)
class Job:
    """What a worker is told first.

    Parameters
    ----------
    files
        Plugin files that the decoding's classes come from; they are not importable by name.
    decoding
        The pickled `Decoding`.
    frames
        The file of frames, uint8 [V, F, S, S, 3], made already; None to send them with the answers.
    """

    files: tuple[Path, ...]
    decoding: bytes
    frames: Path | None


@dataclass(frozen=True)
class Decoded:
    """A clip's answer: its frames are in the file, or sent along.

    Parameters
    ----------
    times
        Seconds from the clip's start.
    crc32
        Checksum of its row of the file, padding included; 0 without a file.
    pixels
        The frames, uint8 [n, S, S, 3], without a file.
    """

    times: tuple[float, ...]
    crc32: int
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Failed:
    """A clip's answer: the parts of a `DataError`."""

    where: str
    found: str | None
    expected: str | None
    hint: str | None


@dataclass(frozen=True)
class Ready:
    """The job's answer; with the reason why this process cannot do it, if it cannot."""

    problem: str | None = None


def decode_into(decoding: Decoding, frames: Any, row: int, clip: Any) -> Decoded | Failed:
    """Decode a clip into its row of the frames [V, F, S, S, 3], or into the answer where they are None."""
    try:
        pixels, times = decoding(clip)
    except TcmgcError as error:
        return Failed(error.where, error.found, error.expected, error.hint)
    seconds = tuple(map(float, times))
    if frames is None:
        return Decoded(seconds, 0, pixels)
    frames[row, : len(pixels)] = pixels
    return Decoded(seconds, zlib.crc32(frames[row]))


def main() -> None:
    """Serve until standard input ends."""
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a decoder prints must not get between the answers
    job: Job = pickle.load(requests)
    try:
        _load(job.files)
        decoding: Decoding = pickle.loads(job.decoding)
    except Exception as error:  # whatever its import raises
        _send(answers, Ready(f"{type(error).__name__}: {error}"))
        return
    frames = None if job.frames is None else np.load(job.frames, mmap_mode="r+")
    _send(answers, Ready())
    while True:
        try:
            clips = pickle.load(requests)
        except EOFError:
            return
        for row, clip in clips:
            _send(answers, decode_into(decoding, frames, row, clip))


def _load(files: tuple[Path, ...]) -> None:
    if files:
        from tcmgc.plugins import Plugins

        plugins = Plugins()
        for file in files:
            plugins.load_file(file)


def _send(answers: BinaryIO, answer: object) -> None:
    pickle.dump(answer, answers)
    answers.flush()

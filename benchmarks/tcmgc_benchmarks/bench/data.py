"""Measurements of decoding and of its cache."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tcmgc.data.clip_tasks import write_row
from tcmgc.data.decode_pool import work_on_clips
from tcmgc.data.decode_worker import Failed, attempt
from tcmgc.data.file_hash import hash_file

from .tasks import DecodeOnly, Memory, Nothing, PlainDecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tcmgc.data.clip import Clip
    from tcmgc.data.decode import Decoding
    from tcmgc.data.decode_worker import Task

BATCH = 16
"""Clips that are taken from cached frames at once."""
CODECS: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG, quality 90": ("JPEG", {"quality": 90}),
    "JPEG, quality 95, 4:4:4": ("JPEG", {"quality": 95, "subsampling": 0}),
    "WebP, quality 90": ("WEBP", {"quality": 90, "method": 0}),
    "WebP, lossless": ("WEBP", {"lossless": True, "method": 0}),
    "PNG, level 1": ("PNG", {"compress_level": 1}),
}


@dataclass(frozen=True)
class Speed:
    """Wall-clock seconds of the parts, medians of the repetitions; ``ratio`` is the plain loop's by ours."""

    videos: int
    frames: int
    processes: int
    decode: float
    plain: float
    ratio: float
    write: float
    hash: float
    start: float


@dataclass(frozen=True)
class Form:
    """A form of cached frames: bytes a frame, frames a second, mean difference to the decoded pixels."""

    name: str
    frame_bytes: float
    read: float
    written: float
    error: float


def readable(task: Task, clips: Sequence[Clip]) -> list[Clip]:
    """Return the clips that a task can be done with."""
    return [clip for clip in clips if not isinstance(_tried(task, clip), Failed)]


def _tried(task: Task, clip: Clip) -> object:
    try:
        return attempt(task, 0, clip)
    except Exception as error:  # of a plain loop: whatever its decoder raises
        return Failed(clip.id, str(error), None, None)


def speed(decoding: Decoding, clips: Sequence[Clip], processes: int, repeats: int) -> Speed:
    """Time decoding against decord's plain loop, one after the other, in as many processes.

    Parameters
    ----------
    decoding
        How.
    clips
        That both can read.
    processes
        Workers; 0 for this process.
    repeats
        Of which medians are taken.
    """
    only = DecodeOnly(decoding)
    plain = PlainDecord(decoding.sampler, decoding.image_size)
    seconds: dict[str, list[float]] = {name: [] for name in ("start", "decode", "plain", "write", "hash")}
    size = decoding.image_size
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        shape = (len(clips), decoding.sampler.frames, size, size, 3)
        np.save(path, np.zeros(shape, np.uint8))
        for _ in range(repeats):
            for name, task in (("start", Nothing()), ("decode", only), ("plain", plain)):
                seconds[name].append(_timed(lambda task=task: work_on_clips(task, clips, workers=processes)))  # type: ignore[misc]
            seconds["write"].append(_writing(decoding, clips, np.load(path, mmap_mode="r+")))
            seconds["hash"].append(_timed(lambda: [hash_file(clip.path) for clip in clips]))
    start, decode, loop, write, digest = (statistics.median(times) for times in seconds.values())
    pairs = zip(seconds["start"], seconds["decode"], seconds["plain"], strict=True)
    ratio = statistics.median((c - a) / (b - a) for a, b, c in pairs)
    frames = sum(only(0, clip) for clip in clips)
    return Speed(
        len(clips),
        frames,
        processes,
        decode - start,
        loop - start,
        ratio,
        write,
        digest,
        start,
    )


def _writing(decoding: Decoding, clips: Sequence[Clip], frames: NDArray[np.uint8]) -> float:
    """Return the seconds that rows and checksums take, in this process."""
    seconds = 0.0
    for row, clip in enumerate(clips):
        pixels, _ = decoding(clip)
        seconds += _timed(lambda: write_row(frames[row], pixels))  # noqa: B023
    return seconds


def forms(frames: Sequence[NDArray[np.uint8]], repeats: int) -> list[Form]:
    """Measure the forms that frames [S, S, 3] can be cached in, in this process."""
    found = [_raw(np.stack(frames), repeats)]
    for name, (kind, options) in CODECS.items():
        encoded = [_encoded(frame, kind, options) for frame in frames]
        written = _timed(lambda: [_encoded(frame, kind, options) for frame in frames])  # noqa: B023
        read = statistics.median(_timed(lambda: [_decoded(each) for each in encoded]) for _ in range(repeats))  # noqa: B023
        error = float(
            np.mean(
                [np.abs(_decoded(e).astype(int) - f).mean() for e, f in zip(encoded, frames, strict=True)]
            )
        )
        size = sum(map(len, encoded)) / len(frames)
        found.append(Form(name, size, len(frames) / read, len(frames) / written, error))
    return found


def _raw(frames: NDArray[np.uint8], repeats: int) -> Form:
    """Of a mapped file: batches in a random order are copied out of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.npy"
        written = _timed(lambda: _save(path, frames))
        mapped = np.load(path, mmap_mode="c")
        order = np.random.default_rng(0).permutation(len(frames))

        def read() -> None:
            for start in range(0, len(order), BATCH):
                _ = mapped[order[start : start + BATCH]]

        read()
        seconds = statistics.median(_timed(read) for _ in range(repeats))
    return Form("raw, mapped", frames[0].nbytes, len(frames) / seconds, len(frames) / written, 0.0)


def _save(path: Path, frames: NDArray[np.uint8]) -> int:
    np.save(path, frames)
    return zlib.crc32(frames.data)


def memory(decoding: Decoding, clips: Sequence[Clip], videos: int) -> list[int]:
    """Return the bytes in memory of one worker after each of so many videos, the clips again and again."""
    many = [clips[number % len(clips)] for number in range(videos)]
    answers = work_on_clips(Memory(DecodeOnly(decoding)), many, workers=1)
    return [answer for answer in answers if isinstance(answer, int)]


def _encoded(frame: NDArray[np.uint8], kind: str, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, kind, **options)
    return file.getvalue()


def _decoded(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began

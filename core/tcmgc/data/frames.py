"""A split with its frames: decoded once, read from the cache afterwards."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.errors import DataError
from tcmgc.files.disk import UnwritableError
from tcmgc.source_hash import source_sha256

from .cache_folder import CACHE, cache_folder, warn_unkept
from .decode import Decoding
from .decode_pool import decode_clips
from .decode_worker import Decoded, Failed
from .frame_cache import (
    CachedFrames,
    Damaged,
    FrameCacheWarning,
    finish_folder,
    read_frames,
    remove_folder,
    start_folder,
)
from .preprocess import PREPROCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tcmgc.slots.dataset import Dataset
    from tcmgc.slots.reader import Reader
    from tcmgc.slots.sampler import Sampler

    from .clip import Clip, Split, SplitName


@dataclass(frozen=True)
class SplitFrames:
    """A split with its frames, mapped from a file or in memory.

    Parameters
    ----------
    split
        Clips and captions.
    pixels
        uint8 RGB [V, F, S, S, 3], zeros in padding.
    mask
        bool [V, F], True for the frames that a clip has; they come first.
    times
        float64 [V, F], seconds from the clip's start, nan in padding.
    """

    split: Split
    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    times: NDArray[np.float64]


def load_split(
    dataset: Dataset,
    name: SplitName,
    *,
    reader: Reader,
    reader_config: Mapping[str, Any],
    sampler: Sampler,
    sampler_config: Mapping[str, Any],
    image_size: int,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> SplitFrames:
    """Return a split's frames, decoding them unless that was done before.

    What names them in the cache: the SHA-256 of every video file, the clips' starts and ends, the
    reader's version, the configs and sources of reader and sampler, the source of `tcmgc.data.decode`, the
    image size and Pillow's version.

    Parameters
    ----------
    dataset
        It is prepared (`tcmgc.slots.dataset.Dataset.prepare`).
    name
        Which split.
    reader, sampler
        Which frames, and how they are read.
    reader_config, sampler_config
        Their resolved configs.
    image_size
        S, pixels a side.
    progress
        Called with the clips decoded and the clips in all; not at all when they come from the cache.
    workers
        Decoding processes; 0 to decode in this one; None for as many as there are cores.

    Raises
    ------
    DataError
        When a clip cannot be read: with its path and the reason. All clips are tried first.
    SourceChanged
        When source code that decodes changed since this process imported it.

    Warns
    -----
    FrameCacheWarning
        When cached frames are damaged, and made again.
    CacheWarning
        When frames cannot be kept in the cache; they are in memory then.
    """
    split = dataset.split(name)
    decoding = Decoding(reader, sampler, image_size)
    shape = (len(split.clips), sampler.frames, image_size, image_size, 3)
    about = {
        "reader": {
            **reader_config,
            "version": reader.version,
            "source": source_sha256(type(reader).__module__),
        },
        "sampler": {**sampler_config, "source": source_sha256(type(sampler).__module__)},
        "decoding": source_sha256("tcmgc.data.decode"),
        "shape": list(shape),
        "preprocess": PREPROCESS,
    }
    files = [_sha256(clip) for clip in split.clips]
    clips = [
        {"sha256": sha256, "start": clip.start, "end": clip.end}
        for sha256, clip in zip(files, split.clips, strict=True)
    ]
    key = hashlib.sha256(json.dumps([about, clips], sort_keys=True).encode()).hexdigest()
    folder = cache_folder() / "frames" / key[:32]
    cached = _read(folder, shape)
    if cached is None:
        decode = partial(_decode, decoding, split.clips, progress=progress, workers=workers)
        named = [{"id": clip.id, **entry} for clip, entry in zip(split.clips, clips, strict=True)]
        cached = _kept(folder, shape, {"key": key, **about}, named, decode)
        if cached is None:
            cached = _in_memory(folder, shape, decode)
    return SplitFrames(split, cached.pixels, ~np.isnan(cached.times), cached.times)


def _read(folder: Path, shape: tuple[int, ...]) -> CachedFrames | None:
    """Read the cache; damaged frames are put away with a warning."""
    try:
        return read_frames(folder, shape)
    except Damaged as damage:
        warnings.warn(
            f"cached frames {folder} are damaged ({damage}); they are made again",
            FrameCacheWarning,
            stacklevel=3,
        )
        remove_folder(folder)
        return None


def _kept(
    folder: Path,
    shape: tuple[int, ...],
    about: Mapping[str, Any],
    clips: Sequence[Mapping[str, Any]],
    decode: Callable[[Path], list[Decoded]],
) -> CachedFrames | None:
    """Fill a folder of the cache and read it; None, with a warning, where it cannot be kept."""
    try:
        work = start_folder(folder, shape)
        try:
            decoded = decode(work / "frames.npy")
            entries = [{**clip, "crc32": outcome.crc32} for clip, outcome in zip(clips, decoded, strict=True)]
            finish_folder(work, folder, _times(decoded, shape), entries, about)
        finally:
            if work.exists():
                remove_folder(work)
    except UnwritableError as error:
        warn_unkept("frames", error.found or "cannot be written")
        return None
    cached = _read(folder, shape)
    if cached is None:
        warn_unkept("frames", "does not keep what is written")
    return cached


def _in_memory(
    folder: Path, shape: tuple[int, ...], decode: Callable[[NDArray[np.uint8]], list[Decoded]]
) -> CachedFrames:
    """Decode into an array of this process."""
    try:
        pixels = np.zeros(shape, np.uint8)
    except MemoryError:
        raise DataError(
            f"frames {folder}",
            found=f"{np.prod(shape) / 1e6:,.0f} MB fit neither there nor into memory",
            expected="a folder with space",
            hint=f"{CACHE}=DIR names another; tcmgc data cache --clear makes space",
        ) from None
    return CachedFrames(pixels, _times(decode(pixels), shape))


def _decode(
    decoding: Decoding,
    clips: Sequence[Clip],
    frames: Path | NDArray[np.uint8],
    *,
    progress: Callable[[int, int], None] | None,
    workers: int | None,
) -> list[Decoded]:
    """Decode all clips, or raise what is wrong with those that cannot be read."""
    outcomes = decode_clips(decoding, clips, frames, workers=workers, progress=progress)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    if failed:
        raise _unreadable(failed, len(clips))
    return [outcome for outcome in outcomes if isinstance(outcome, Decoded)]


def _times(decoded: Sequence[Decoded], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Seconds from the clips' starts [V, F], nan in padding."""
    times = np.full(shape[:2], np.nan)
    for row, outcome in enumerate(decoded):
        times[row, : len(outcome.times)] = outcome.times
    return times


def _unreadable(failed: Sequence[Failed], total: int) -> DataError:
    """Say the first of the clips that cannot be read, and how many there are."""
    first = failed[0]
    found = first.found or "nothing"
    if len(failed) > 1:
        others = ", ".join(failure.where.partition(":")[0] for failure in failed[1:4])
        more = f" and {len(failed) - 4} more" if len(failed) > 4 else ""
        found += f"; {len(failed)} of {total} clips are unreadable, also {others}{more}"
    return DataError(first.where, found=found, expected=first.expected, hint=first.hint)


def _sha256(clip: Clip) -> str:
    """SHA-256 of a clip's file."""
    try:
        with clip.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"clip {clip.id}: video {clip.path}",
            found=(error.strerror or str(error)).lower(),
            expected="a video file",
        ) from None

"""A split with its frames: decoded once, read from the cache afterwards."""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.errors import DataError
from tcmgc.files.disk import UnwritableError
from tcmgc.slots.dataset import Dropping
from tcmgc.source_hash import source_sha256

from .cache_folder import cache_folder, warn_unkept
from .clip import Dropped
from .decode import Decoding
from .decode_frames import UnreadableClips, decode_frames
from .decode_memory import decode_in_memory
from .file_hash import files_sha256
from .frame_cache import CachedFrames, Damaged, FrameCacheWarning, mark_used, read_frames, remove_folder
from .frame_work import FrameWork
from .preprocess import PREPROCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tcmgc.slots.dataset import Dataset
    from tcmgc.slots.reader import Reader
    from tcmgc.slots.sampler import Sampler

    from .clip import Clip, Split, SplitName
    from .decode_worker import Failed


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
    told
        What the manifest says of each clip: its length in ``seconds``, which ``reader`` read it, ...
    """

    split: Split
    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    times: NDArray[np.float64]
    told: tuple[Mapping[str, Any], ...] = ()


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
    time_limit: float | None = None,
    retry: bool = False,
    in_memory: bool = True,
    waits: Callable[[Path], None] | None = None,
) -> SplitFrames:
    """Return a split's frames, decoding those that were not decoded before.

    What names them in the cache: the SHA-256 of every video file, the clips' starts and ends, the
    reader's version, the configs and sources of reader and sampler, the source of `tcmgc.data.decode`, the
    image size and Pillow's version. What a killed process has decoded counts, and so do the frames of the
    same clips in another split.

    Parameters
    ----------
    dataset
        It is prepared (`tcmgc.slots.dataset.Dataset.prepare`). Where it drops what cannot be read
        (`tcmgc.slots.dataset.Dropping`), the split that is returned lacks these clips, and says why.
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
    time_limit
        Seconds that a clip may take, but for decoding in this process.
    retry
        Try clips again that could not be read before; those of a data set that does not drop them always are.
    in_memory
        Whether frames that cannot be kept in the cache are decoded into memory.
    waits
        Called with the file of a lock when another process decodes the same frames, and is waited for.

    Raises
    ------
    UnreadableClips
        When clips cannot be read and are not to be dropped: with the first one's path and the reason. All
        clips are tried first.
    DataError
        When frames cannot be kept and do not fit into memory.
    UnwritableError
        When frames cannot be kept, and are not to be in memory.
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
    drops = isinstance(dataset, Dropping) and dataset.drops
    decoding = Decoding(reader, sampler, image_size)
    shape = (len(split.clips), sampler.frames, image_size, image_size, 3)
    about = frames_about(reader, reader_config, sampler, sampler_config, shape)
    files = files_sha256([clip.path for clip in split.clips])
    clips = [
        {"sha256": sha256, "start": clip.start, "end": clip.end}
        for sha256, clip in zip(files, split.clips, strict=True)
    ]
    key = hashlib.sha256(json.dumps([about, clips], sort_keys=True).encode()).hexdigest()
    work = FrameWork(cache_folder() / "frames" / key[:32], shape, {"key": key, **about}, clips)

    def read() -> CachedFrames | None:
        found = _read(work.folder, shape)
        return found if found is None or not found.unreadable or (drops and not retry) else None

    cached = read()
    if cached is None:
        cached = _decoded(
            work,
            decoding,
            split.clips,
            read,
            drops=drops,
            setting=drop_setting(dataset),
            retry=retry or not drops,
            in_memory=in_memory,
            waits=waits,
            limits={"progress": progress, "workers": workers, "time_limit": time_limit},
        )
    mark_used(work.folder)
    left = split.without(Dropped(clip["id"], clip["reason"]) for clip in cached.unreadable)
    return SplitFrames(left, cached.pixels, ~np.isnan(cached.times), cached.times, cached.clips)


def frames_about(
    reader: Reader,
    reader_config: Mapping[str, Any],
    sampler: Sampler,
    sampler_config: Mapping[str, Any],
    shape: tuple[int, ...],
) -> dict[str, Any]:
    """Collect what frames depend on beside the clips; as JSON reads it back."""
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
    return json.loads(json.dumps(about))  # type: ignore[no-any-return]


def _decoded(
    work: FrameWork,
    decoding: Decoding,
    clips: Sequence[Clip],
    read: Callable[[], CachedFrames | None],
    *,
    drops: bool,
    setting: str | None,
    retry: bool,
    in_memory: bool,
    waits: Callable[[Path], None] | None,
    limits: Mapping[str, Any],
) -> CachedFrames:
    """Decode into the cache; or into memory, with a warning, where it cannot be kept there."""
    try:
        failed = decode_frames(work, decoding, clips, read, drops=drops, retry=retry, waits=waits, **limits)
        _refuse(failed, work, drops, setting)
        if (cached := _read(work.folder, work.shape)) is not None:
            return cached
        problem = "does not keep what is written"
        if not in_memory:
            raise DataError(f"frames {work.folder}", found="nothing, after they were written")
    except UnwritableError as error:
        if not in_memory:
            raise
        problem = error.found or "cannot be written"
    warn_unkept("frames", problem)
    cached, failed = decode_in_memory(work, decoding, clips, **limits)
    _refuse(failed, work, drops, setting)
    return cached


def _refuse(failed: Mapping[str, Failed], work: FrameWork, drops: bool, setting: str | None) -> None:
    """Raise what is wrong with clips that are not to be dropped, or with all of them."""
    if failed and (not drops or len(failed) == len(work.clips)):
        seconds = sum(line["seconds"] for line in work.lines.values() if "failed" not in line)
        raise UnreadableClips(failed, len(work.clips), seconds, setting)


def drop_setting(dataset: Dataset) -> str | None:
    """Return what a user writes to have a data set leave out what cannot be read; None if nothing would."""
    return dataset.drop_setting if isinstance(dataset, Dropping) and not dataset.drops else None


def _read(folder: Path, shape: tuple[int, ...]) -> CachedFrames | None:
    """Read the cache; damaged frames are put away with a warning."""
    try:
        return read_frames(folder, shape)
    except Damaged as damage:
        warnings.warn(
            f"cached frames {folder} are damaged ({damage}); they are made again",
            FrameCacheWarning,
            stacklevel=4,
        )
        remove_folder(folder)
        return None

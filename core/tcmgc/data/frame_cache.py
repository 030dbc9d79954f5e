"""Decoded frames on disk, one folder a split: made once, checked at every read.

===================  ======================================================================
``frames.npy``       uint8 [V, F, S, S, 3], zeros in padding
``times.npy``        float64 [V, F], seconds from the clip's start, nan in padding
``manifest.json``    schema version, what named the folder, and of every clip its checksum,
                     length and reader; and the clips that no reader read, with the reason
===================  ======================================================================

The folder's name is a digest of all that the frames depend on. It is filled under another name
(`tcmgc.data.frame_work`) and renamed when it is complete.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SCHEMA_VERSION = 2
FRAMES, TIMES, MANIFEST = "frames.npy", "times.npy", "manifest.json"
GONE = ".gone-"
"""Begins the names of folders that are being removed."""


class FrameCacheWarning(UserWarning):
    """Cached frames are damaged and are made again."""


@dataclass(frozen=True)
class CachedFrames:
    """Frames and times as they lie in a folder, mapped rather than read; or such in memory.

    Parameters
    ----------
    pixels, times
        Of the clips that were read, in the order of the split.
    clips, unreadable
        What the manifest says of these, and of the others.
    """

    pixels: NDArray[np.uint8]
    times: NDArray[np.float64]
    clips: tuple[dict[str, Any], ...]
    unreadable: tuple[dict[str, Any], ...]


class Damaged(Exception):  # noqa: N818  # never leaves this package
    """A folder is not what was written."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what a folder says of itself.

    Raises
    ------
    Damaged
        With what is wrong.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["schema_version"] != SCHEMA_VERSION:
            raise Damaged(f"schema version {manifest['schema_version']}")
        _ = manifest["clips"], manifest["unreadable"], manifest["shape"], manifest["times_crc32"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from None
    return manifest  # type: ignore[no-any-return]


def read_frames(folder: Path, shape: tuple[int, ...] | None = None) -> CachedFrames | None:
    """Read a folder, and check every byte of it.

    Parameters
    ----------
    folder
        Its path.
    shape
        (V, F, S, S, 3) of all clips of the split; None for what the folder says itself.

    Returns
    -------
    CachedFrames or None
        None where there is no such folder. The pixels are mapped copy-on-write: writing to the array
        leaves the file as it is.

    Raises
    ------
    Damaged
        With what is wrong.
    """
    try:
        if not folder.exists():
            return None
    except OSError:  # no right to look, or no name of a folder: whoever writes there is told
        return None
    manifest = read_manifest(folder)
    try:
        clips, unreadable = tuple(manifest["clips"]), tuple(manifest["unreadable"])
        sums = [int(clip["crc32"]) for clip in clips]
        count, *rest = manifest["shape"] if shape is None else shape
        pixels = np.load(folder / FRAMES, mmap_mode="c")
        times = np.load(folder / TIMES)
        if len(clips) + len(unreadable) != count:
            raise Damaged("a manifest of other frames")
        expected = (len(clips), *rest)
        if pixels.shape != expected or pixels.dtype != np.uint8 or times.shape != expected[:2]:
            raise Damaged(f"{pixels.dtype} {pixels.shape} in place of uint8 {expected}")
        if zlib.crc32(times.tobytes()) != manifest["times_crc32"]:
            raise Damaged("other times than were written")
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from None
    for row, wanted in enumerate(sums):
        if zlib.crc32(pixels[row]) != wanted:
            raise Damaged(f"other frames of clip {clips[row]['id']} than were written")
    return CachedFrames(pixels, times, clips, unreadable)


def remove_folder(folder: Path) -> None:
    """Take a folder out of sight at once, then remove its files; it stays where nothing may be removed."""
    hidden = folder.parent / f"{GONE}{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        folder.rename(hidden)
    except OSError:  # another process was faster, or the disk is read-only
        return
    shutil.rmtree(hidden, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove the rest of what killed processes were removing."""
    for folder in parent.glob(f"{GONE}*"):
        shutil.rmtree(folder, ignore_errors=True)


def mark_used(folder: Path) -> None:
    """Remember that a folder was used now: ``tcmgc data cache prune`` goes by it."""
    with suppress(OSError):  # a cache that is shared read-only
        os.utime(folder / MANIFEST)

"""Decoded frames on disk, one folder a split: made once, checked at every read.

===================  ======================================================================
``frames.npy``       uint8 [V, F, S, S, 3], zeros in padding
``times.npy``        float64 [V, F], seconds from the clip's start, nan in padding
``manifest.json``    schema version, what named the folder, and a checksum of every clip
===================  ======================================================================

The folder's name is a digest of all that the frames depend on. It is filled under another name and
renamed when it is complete, so that writers do not meet, and a killed one leaves nothing to be taken
for frames.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.files.disk import writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SCHEMA_VERSION = 1
WORK = ".work-"
"""Begins the names of folders that are not complete."""


class FrameCacheWarning(UserWarning):
    """Cached frames are damaged and are made again."""


@dataclass(frozen=True)
class CachedFrames:
    """Frames and times as they lie in a folder, mapped rather than read."""

    pixels: NDArray[np.uint8]
    times: NDArray[np.float64]


class Damaged(Exception):  # noqa: N818  # never leaves this package
    """A folder is not what was written."""


def read_frames(folder: Path, shape: tuple[int, ...]) -> CachedFrames | None:
    """Read a folder, and check every byte of it.

    Parameters
    ----------
    folder
        Its path.
    shape
        (V, F, S, S, 3).

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
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        sums = [int(clip["crc32"]) for clip in manifest["clips"]]
        pixels = np.load(folder / "frames.npy", mmap_mode="c")
        times = np.load(folder / "times.npy")
        if manifest["schema_version"] != SCHEMA_VERSION or len(sums) != shape[0]:
            raise Damaged("a manifest of other frames")
        if pixels.shape != shape or pixels.dtype != np.uint8 or times.shape != shape[:2]:
            raise Damaged(f"{pixels.dtype} {pixels.shape} in place of uint8 {shape}")
        if zlib.crc32(times.tobytes()) != manifest["times_crc32"]:
            raise Damaged("other times than were written")
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from None
    for row, expected in enumerate(sums):
        if zlib.crc32(pixels[row]) != expected:
            raise Damaged(f"other frames of clip {manifest['clips'][row]['id']} than were written")
    return CachedFrames(pixels, times)


def start_folder(folder: Path, shape: tuple[int, ...]) -> Path:
    """Make an unfinished folder beside ``folder``, with its disk space taken for a file of zeros.

    Raises
    ------
    UnwritableError
        When there is no space, or no right to write.
    """
    with writing("frames", folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        work = _work_beside(folder)
        work.mkdir()
        _take_space(work, shape)
    return work


def _take_space(work: Path, shape: tuple[int, ...]) -> None:
    try:
        pixels = np.lib.format.open_memmap(work / "frames.npy", mode="w+", dtype=np.uint8, shape=shape)
        del pixels
        if hasattr(os, "posix_fallocate"):
            # A write to a mapped file on a full disk kills the process: the space is taken beforehand.
            with (work / "frames.npy").open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    except OSError:
        shutil.rmtree(work, ignore_errors=True)
        raise


def finish_folder(
    work: Path,
    folder: Path,
    times: NDArray[np.float64],
    clips: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> None:
    """Write the rest of an unfinished folder and rename it; the first of several writers wins.

    Raises
    ------
    UnwritableError
        When the disk is full.
    """
    manifest = {
        "schema_version": SCHEMA_VERSION,
        **about,
        "times_crc32": zlib.crc32(times.tobytes()),
        "clips": list(clips),
    }
    with writing("frames", folder):
        np.save(work / "times.npy", times)
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
            remove_folder(work)  # another process made the same frames meanwhile


def remove_folder(folder: Path) -> None:
    """Take a folder out of sight at once, then remove its files; it stays where nothing may be removed."""
    hidden = _work_beside(folder)
    try:
        folder.rename(hidden)
    except OSError:  # another process was faster, or the disk is read-only
        return
    shutil.rmtree(hidden, ignore_errors=True)


def _work_beside(folder: Path) -> Path:
    return folder.parent / f"{WORK}{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def _sweep(parent: Path) -> None:
    """Remove what killed processes of this machine left unfinished."""
    if os.name != "posix":
        return
    for work in parent.glob(f"{WORK}{platform.node()}-*"):
        try:
            os.kill(int(work.name.split("-")[-2]), 0)
        except ProcessLookupError:
            shutil.rmtree(work, ignore_errors=True)
        except (OSError, ValueError):  # another user's process, or another's folder
            continue

"""Frames where the cache cannot be written: one warning, and the same frames in memory."""

from __future__ import annotations

import errno
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
from filelock import FileLock

from bad_readers import Crashing, Elsewhere
from frame_cases import Counting, Dropping, folders, load
from tcmgc.data import decode_memory, decode_pool, frame_work
from tcmgc.data.cache_folder import CacheWarning
from tcmgc.data.frame_cache import FrameCacheWarning
from tcmgc.data.frame_work import Journal
from tcmgc.errors import DataError
from video_files import write_video

if TYPE_CHECKING:
    from tcmgc.data.frame_work import Line
    from tcmgc.data.frames import SplitFrames
    from video_files import VideoFolder


@pytest.fixture
def expected(videos: VideoFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SplitFrames:
    """The frames, from a cache that works."""
    with monkeypatch.context() as patch:
        patch.setenv("TCMGC_CACHE", str(tmp_path / "another"))
        return load(videos)


@pytest.fixture(params=["below a file", "too long a name"])
def unwritable(
    request: pytest.FixtureRequest, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, str]:
    """A cache that cannot be made, not even by root, and what the system says of it."""
    (cache.parent / "file").write_text("")
    below = request.param == "below a file"
    place = cache.parent / ("file" if below else "x" * 300)
    monkeypatch.setenv("TCMGC_CACHE", str(place))
    return place, os.strerror(errno.ENOTDIR if below else errno.ENAMETOOLONG)


def no_space(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def check(found: SplitFrames, expected: SplitFrames) -> None:
    assert np.array_equal(found.pixels, expected.pixels)
    assert np.array_equal(found.mask, expected.mask)
    assert np.array_equal(found.times, expected.times, equal_nan=True)
    assert found.split.clips == expected.split.clips


@pytest.mark.parametrize("workers", [0, 2])
def test_a_cache_that_cannot_be_made(
    videos: VideoFolder, expected: SplitFrames, unwritable: tuple[Path, str], workers: int
) -> None:
    cache, reason = unwritable
    told: list[tuple[int, int]] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        data = load(videos, workers=workers, progress=lambda done, total: told.append((done, total)))
        load(videos, workers=0)
    check(data, expected)
    assert told == [(1, 3), (2, 3), (3, 3)]
    (warning,) = (str(one.message) for one in caught)
    assert warning == (
        f"cache {cache / 'frames'} cannot be written: {reason}; frames are kept in memory, and made again "
        "next time; TCMGC_CACHE=DIR names another cache"
    )


@pytest.mark.usefixtures("unwritable")
def test_workers_decode_then_too(videos: VideoFolder) -> None:
    with pytest.warns(CacheWarning), pytest.raises(DataError, match=r"clip 1: .*\n.*crashes: signal 6, .*\n"):
        load(videos, Crashing(), workers=1)


def test_a_full_disk(
    videos: VideoFolder, expected: SplitFrames, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_work.os, "posix_fallocate", no_space, raising=False)
    with pytest.warns(CacheWarning, match=f"{cache}/frames cannot be written: No space left on device"):
        data = load(videos)
    check(data, expected)
    assert not folders(cache)


def test_a_disk_that_fills_up_at_the_end(
    videos: VideoFolder, expected: SplitFrames, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_work.np, "save", no_space)
    with pytest.warns(CacheWarning, match=f"{cache}/frames cannot be written: No space left on device"):
        data = load(videos)
    check(data, expected)
    assert not folders(cache)


def test_damaged_frames_that_cannot_be_removed(
    videos: VideoFolder, expected: SplitFrames, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    load(videos)
    (folder,) = folders(cache)
    (folder / "times.npy").unlink()
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.warns(FrameCacheWarning, match="damaged"), pytest.warns(CacheWarning, match="Read-only"):
        data = load(videos)
    check(data, expected)


def test_neither_disk_nor_memory(videos: VideoFolder, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(frame_work.os, "posix_fallocate", no_space, raising=False)
    monkeypatch.setattr(decode_memory.np, "zeros", refuse)
    with pytest.warns(CacheWarning), pytest.raises(DataError, match="MB fit neither") as caught:
        load(videos)
    assert str(cache) in caught.value.where


def test_without_room_for_workers_this_process_decodes(
    videos: VideoFolder, expected: SplitFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode_pool.tempfile, "TemporaryFile", no_space)
    check(load(videos, Elsewhere(), workers=2), expected)
    assert int((videos.folder / "1.pid").read_text()) == os.getpid()


@pytest.mark.usefixtures("unwritable")
def test_what_cannot_be_read_is_dropped_there_too(
    videos: VideoFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (0, 2):
        (videos.folder / f"{number}.mp4").write_text("no video")
    write_video(videos.folder / "3.mp4", 7)
    dataset = Dropping(videos.folder)
    with pytest.warns(CacheWarning):
        data = load(dataset)
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "another"))
    check(data, expected := load(dataset))
    assert [clip.id for clip in data.split.clips] == ["1", "3"]
    assert data.split.dropped == expected.split.dropped
    assert data.told == expected.told


def test_what_a_disk_took_is_not_decoded_again(
    videos: VideoFolder, expected: SplitFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Journal.add

    def refuse(journal: Journal, line: Line) -> None:
        add(journal, line)
        if line["row"] == 1:
            no_space()

    monkeypatch.setattr(Journal, "add", refuse)
    reader = Counting()
    with pytest.warns(CacheWarning, match="No space left on device"):
        data = load(videos, reader)
    check(data, expected)
    assert reader.opened == ["0.mp4", "1.mp4", "2.mp4"]


def test_a_file_system_without_locks(
    videos: VideoFolder, expected: SplitFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(FileLock, "_acquire", refuse)
    with pytest.warns(CacheWarning, match="cannot be written: FileSystem does not appear to support flock"):
        check(load(videos), expected)

"""Writing the videos of StoryShapes, in fresh interpreters beside this one.

`multiprocessing` would run the user's script again in every worker, and a fork of a process with threads
is not safe. So a worker is this module, run with the parameters of the data set; it draws the stories
again, which takes less than sending them, and says a line for every video.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tcmgc.data.decode_pool import cores

from .annotations import clip_id
from .story import Story, draw_stories
from .video_file import write_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tcmgc.data.clip import SplitName

START = f"import sys; sys.path[:] = eval(sys.argv[1]); from {__name__} import work; work(sys.argv[2:])"
VIDEOS_A_WORKER = 64
"""A worker takes about a second to start, in which another writes about as many videos."""


def write_videos(
    folder: Path,
    counts: Mapping[SplitName, int],
    *,
    seed: int,
    captions: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the videos that are not there yet.

    Parameters
    ----------
    folder
        Where they go.
    counts
        Videos a split.
    seed, captions
        Of the stories.
    progress
        Called with the videos that are there and the videos in all.

    Raises
    ------
    OSError
        When a worker fails: with what it said.
    """
    total = sum(counts.values())
    done = sum(1 for name, number in _clips(counts) if _is_there(folder / f"{clip_id(name, number)}.mp4"))
    workers = max(1, min(cores(), -(-(total - done) // VIDEOS_A_WORKER)))
    given = [str(folder), str(seed), str(captions), *(f"{name}={count}" for name, count in counts.items())]
    answers: SimpleQueue[str | None] = SimpleQueue()
    errors = [tempfile.TemporaryFile() for _ in range(workers)]  # noqa: SIM115  # closed below
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START, repr(sys.path), f"{part}/{workers}", *given],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
        for part, said in enumerate(errors)
    ]
    threads = [threading.Thread(target=_listen, args=(one, answers), daemon=True) for one in processes]
    try:
        for thread in threads:
            thread.start()
        at_work = workers
        while at_work:
            if answers.get() is None:
                at_work -= 1
                continue
            done += 1
            if progress is not None:
                progress(done, total)
        for process, said in zip(processes, errors, strict=True):
            if process.wait():
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()
                raise OSError(lines[-1] if lines else f"exit status {process.returncode}")
    finally:
        for process, said in zip(processes, errors, strict=True):
            process.kill()
            process.wait()
            said.close()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def work(arguments: list[str]) -> None:
    """Write one worker's share."""
    share, folder, seed, captions, *counted = arguments
    part, parts = map(int, share.split("/"))
    for position, (path, story) in enumerate(_stories(Path(folder), int(seed), int(captions), counted)):
        if position % parts == part and not _is_there(path):
            write_video(story, path)
            print(path.name, flush=True)


def _stories(folder: Path, seed: int, captions: int, counted: list[str]) -> Iterator[tuple[Path, Story]]:
    for text in counted:
        name, _, count = text.partition("=")
        stories = draw_stories(name, int(count), seed=seed, captions=captions)  # type: ignore[arg-type]
        for number, story in enumerate(stories):
            yield folder / f"{clip_id(name, number)}.mp4", story  # type: ignore[arg-type]


def _clips(counts: Mapping[SplitName, int]) -> Iterator[tuple[SplitName, int]]:
    for name, count in counts.items():
        for number in range(count):
            yield name, number


def _is_there(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _listen(process: subprocess.Popen[str], answers: SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            answers.put(line)
    answers.put(None)

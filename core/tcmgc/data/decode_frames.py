"""From clips to a folder of the frame cache."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from tcmgc.errors import DataError
from tcmgc.files.disk import unwritable

from .clip_tasks import Decoded, DecodeInto
from .decode_pool import work_on_clips
from .decode_worker import Failed
from .frame_reuse import reuse
from .frame_work import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .clip import Clip
    from .decode import Decoding
    from .frame_cache import CachedFrames
    from .frame_work import FrameWork, Line


class UnreadableClips(DataError):  # noqa: N818  # what it is about is what it is called
    """Clips that no reader reads, and that are not to be dropped; it tells the first.

    Parameters
    ----------
    failed
        Why, by the clip's id.
    total
        Of how many clips.
    seconds
        How long those are that can be read, together.
    setting
        What a user writes to have clips left out; None where it cannot be had.
    """

    def __init__(
        self, failed: Mapping[str, Failed], total: int, seconds: float = 0.0, setting: str | None = None
    ) -> None:
        self.failed = failed
        self.seconds = seconds
        first = next(iter(failed.values()))
        found = first.reason
        if len(failed) > 1:
            others = ", ".join(f"clip {clip}" for clip in list(failed)[1:4])
            more = f" and {len(failed) - 4} more" if len(failed) > 4 else ""
            found += f"; {len(failed)} of {total} clips are unreadable, also {others}{more}"
        super().__init__(first.where, found=found, expected=first.expected, hint=hint_to_drop(first, setting))


def hint_to_drop(failed: Failed, setting: str | None) -> str | None:
    """Join the hint of a clip that cannot be read with the one that it may be left out.

    Parameters
    ----------
    failed
        The clip.
    setting
        As in `UnreadableClips`.
    """
    drop = None if setting is None else f"{setting} leaves out what cannot be read"
    return "; ".join(filter(None, (failed.hint, drop))) or None


def decode_frames(
    work: FrameWork,
    decoding: Decoding,
    clips: Sequence[Clip],
    read: Callable[[], CachedFrames | None],
    *,
    drops: bool,
    retry: bool,
    progress: Callable[[int, int], None] | None,
    workers: int | None,
    time_limit: float | None,
    waits: Callable[[Path], None] | None,
) -> Mapping[str, Failed]:
    """Decode what is not decoded, and finish the folder if all clips are, or those that are not are dropped.

    Parameters
    ----------
    work
        Where they go.
    decoding
        How.
    clips
        One a row.
    read
        Reads the finished frames, which another process may have made meanwhile.
    drops, retry
        Whether frames are finished without the clips that cannot be read; and whether those that could not
        be read before are tried again.
    progress, workers, time_limit, waits
        See `tcmgc.data.frames.load_split`.

    Returns
    -------
    mapping
        Why clips were not read, by id.

    Raises
    ------
    UnwritableError
        When there is no space, or no right to write. What was done until then is in ``work.lines``.
    """
    try:
        with locked(work.folder, waits):
            if read() is not None:
                return {}
            work.open()
            if retry:
                work.lines = {row: line for row, line in work.lines.items() if "failed" not in line}
            _decode(work, decoding, clips, progress, workers, time_limit)
            failed = failures(work, clips)
            if not failed or (drops and len(failed) < len(clips)):
                work.finish([clip.id for clip in clips])
            return failed
    except (OSError, NotImplementedError) as error:  # the latter where a file system has no locks
        reason = error.strerror if isinstance(error, OSError) else None
        raise unwritable("frames", work.folder, reason or str(error)) from None


def _decode(
    work: FrameWork,
    decoding: Decoding,
    clips: Sequence[Clip],
    progress: Callable[[int, int], None] | None,
    workers: int | None,
    time_limit: float | None,
) -> None:
    with work.journal() as journal:
        reuse(work, journal)
        left = tuple(row for row in range(len(clips)) if row not in work.lines)

        def told(number: int, answer: object) -> None:
            journal.add(line_of(left[number], answer))
            if progress is not None:
                progress(len(work.lines), len(clips))

        task = DecodeInto(decoding, work.frames, left)
        work_on_clips(task, [clips[row] for row in left], workers=workers, time_limit=time_limit, told=told)


def failures(work: FrameWork, clips: Sequence[Clip]) -> dict[str, Failed]:
    """Say why clips could not be read, by id."""
    return {
        clips[row].id: Failed(**line["failed"])
        for row, line in sorted(work.lines.items())
        if "failed" in line
    }


def line_of(row: int, answer: object) -> Line:
    """Write down what a worker answers for the clip of a row."""
    if isinstance(answer, Failed):
        return {"row": row, "failed": asdict(answer)}
    assert isinstance(answer, Decoded)
    return {"row": row, **asdict(answer)}

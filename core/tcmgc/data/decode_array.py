"""From clips to an array of this process, without a file."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from .clip_tasks import Decoded, DecodeInto, Sent
from .decode_pool import work_on_clips
from .decode_worker import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .clip import Clip
    from .decode import Decoding


def decode_into_array(
    decoding: Decoding,
    clips: Sequence[Clip],
    frames: NDArray[np.uint8],
    *,
    rows: Sequence[int] | None = None,
    workers: int | None = None,
    time_limit: float | None = None,
    told: Callable[[int, Decoded | Failed], None] | None = None,
) -> list[Decoded | Failed]:
    """Decode clips into the rows of an array.

    Parameters
    ----------
    decoding
        How.
    clips
        n of them.
    frames
        uint8 [V, F, S, S, 3], zeros.
    rows
        [n], where each clip goes; the first n rows when left out.
    workers, time_limit
        As `tcmgc.data.decode_pool.work_on_clips` takes them.
    told
        Called with each clip's number and what came of it, when its frames are in the array.

    Returns
    -------
    list
        What came of every clip.
    """
    found: dict[int, Decoded | Failed] = {}

    def put(number: int, answer: object) -> None:
        row = number if rows is None else rows[number]
        if isinstance(answer, Sent):
            frames[row, : len(answer.pixels)] = answer.pixels
            answer.pixels = answer.pixels[:0]  # the pool keeps its answers, and pixels need memory once
            answer = replace(answer.decoded, crc32=zlib.crc32(frames[row]))
        assert isinstance(answer, (Decoded, Failed))
        found[number] = answer
        if told is not None:
            told(number, answer)

    work_on_clips(DecodeInto(decoding), clips, workers=workers, time_limit=time_limit, told=put)
    return [found[number] for number in range(len(clips))]

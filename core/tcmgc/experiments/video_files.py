"""Video files to features: decoded block by block, so that memory is bounded."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.data.clip import Clip
from tcmgc.data.clip_tasks import Decoded
from tcmgc.data.decode_array import decode_into_array
from tcmgc.data.decode_worker import Failed
from tcmgc.engine.encode import encode_videos
from tcmgc.engine.feature_tensors import join, video_of, video_tensors
from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lightning_fabric import Fabric
    from numpy.typing import NDArray

    from tcmgc.data.decode import Decoding
    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.engine.progress import ShowItems
    from tcmgc.features import VideoFeatures

BLOCK = 2**29
"""Bytes of frames that are held at once."""
MOST_SAID = 20
"""Files that an error lists."""


def encode_video_files(
    fabric: Fabric,
    model: EncodedModel,
    decoding: Decoding,
    paths: Sequence[str | Path],
    progress: ShowItems | None = None,
) -> VideoFeatures:
    """Decode and encode V video files.

    Parameters
    ----------
    fabric, model
        As in `tcmgc.engine.encode.encode`.
    decoding
        Reader, sampler and image size.
    paths
        The files.
    progress
        Called with what is done, decoding a file and encoding it, and 2 V.

    Raises
    ------
    DataError
        When files cannot be read: with each and its reason. All are tried first.
    """
    size, most = decoding.image_size, decoding.sampler.frames
    block = max(1, BLOCK // (most * size * size * 3))
    found, failed = [], []
    total = 2 * len(paths)
    for start in range(0, len(paths), block):
        clips = [Clip(str(path), Path(path)) for path in paths[start : start + block]]
        before = 2 * start

        def told(done: int, at: int = before) -> None:
            if progress is not None:
                progress(at + done, total)

        pixels_VFSSC = np.zeros((len(clips), most, size, size, 3), dtype=np.uint8)
        outcomes = decode_into_array(decoding, clips, pixels_VFSSC, told=_counting(told))
        failed += [outcome for outcome in outcomes if isinstance(outcome, Failed)]
        if failed:
            continue  # what cannot be scored is not encoded; the rest is looked at for the error
        lengths = np.array([len(outcome.times) for outcome in outcomes if isinstance(outcome, Decoded)])
        mask_VF: NDArray[np.bool_] = np.arange(most) < lengths[:, None]

        def frames(
            rows: slice, pixels: NDArray[np.uint8] = pixels_VFSSC, mask: NDArray[np.bool_] = mask_VF
        ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
            return pixels[rows], mask[rows]

        def encoded(done: int, at: int = before + len(clips)) -> None:
            told(done, at)

        found.append(video_tensors(encode_videos(fabric, model, len(clips), frames, encoded)))
    if failed:
        raise _unreadable(failed, len(paths))
    return video_of(join(found))


def _counting(told: Callable[[int], None]) -> Callable[..., None]:
    """Say how many calls there were until now."""
    calls = itertools.count(1)
    return lambda *_: told(next(calls))


def _unreadable(failed: Sequence[Failed], total: int) -> DataError:
    """Say which files cannot be read, and why."""
    first = failed[0]
    if len(failed) == 1:
        return DataError(_file(first), found=first.found, expected=first.expected, hint=first.hint)
    lines = [f"{_file(one)}: {one.found}" for one in failed[:MOST_SAID]]
    if len(failed) > MOST_SAID:
        lines.append(f"and {len(failed) - MOST_SAID} more")
    said = "\n            ".join(lines)
    return DataError(f"{len(failed)} of {total} videos", found=said, expected=first.expected, hint=first.hint)


def _file(failure: Failed) -> str:
    """Name the file: what errors of a data set call ``clip ID: video PATH``."""
    return failure.where.partition(": ")[2] if failure.where.startswith("clip ") else failure.where

"""A block of videos: decoded, encoded, and prepared for texts to come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tcmgc.data.clip_tasks import Decoded
from tcmgc.data.decode_array import decode_into_array
from tcmgc.engine.encode import encode_videos
from tcmgc.tiles import PREPARED

from .coarse import coarse_vectors
from .journal import FailedVideo, IndexedVideo, Seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tcmgc.data.clip import Clip
    from tcmgc.data.decode_worker import Failed
    from tcmgc.engine.progress import ShowItems
    from tcmgc.experiments.trained import TrainedModel

BLOCK = 2**27
"""Bytes of frames in a block, about: what is lost when the process is killed, and what memory holds."""
MOST = 256
"""Videos in a block, at most."""
COARSE, TIMES = "coarse", "times"


@dataclass(frozen=True)
class PreparedBlock:
    """What an index keeps of a block.

    Parameters
    ----------
    videos
        Those that could be read, and of which every number is finite.
    failed
        The others.
    arrays
        One row for each of ``videos``: the scorer's state by name, float32 and bool; ``coarse`` [n, M, D];
        ``times`` [n, F] float32, seconds from the start of the clip, nan in padding.
    seconds
        What it took.
    """

    videos: tuple[IndexedVideo, ...]
    failed: tuple[FailedVideo, ...]
    arrays: dict[str, NDArray[Any]]
    seconds: Seconds


def block_size(model: TrainedModel) -> int:
    """Say how many videos a block has."""
    size, frames = model.decoding.image_size, model.decoding.sampler.frames
    return max(1, min(MOST, BLOCK // (frames * size * size * 3)))


def prepare_block(
    model: TrainedModel, clips: Sequence[Clip], coarse: int, progress: ShowItems | None
) -> PreparedBlock:
    """Decode, encode and prepare videos.

    Parameters
    ----------
    model
        In float32.
    clips
        The videos.
    coarse
        Coarse vectors a video.
    progress
        Called with the steps that are done and in all: decoding and encoding a video, one each.
    """
    decoding, session, encoded = model.decoding, model.session, model.model
    size, most = decoding.image_size, decoding.sampler.frames
    total, finished = 2 * len(clips), 0
    files = [_file(clip) for clip in clips]  # as they are before they are read

    def told(done: int) -> None:
        if progress is not None:
            progress(done, total)

    def decoded_one(_: int, __: Decoded | Failed) -> None:
        nonlocal finished
        finished += 1
        told(finished)

    started = time.perf_counter()
    pixels_VFSSC = np.zeros((len(clips), most, size, size, 3), dtype=np.uint8)
    outcomes = decode_into_array(decoding, clips, pixels_VFSSC, told=decoded_one)
    good = [row for row, outcome in enumerate(outcomes) if isinstance(outcome, Decoded)]
    failed = [
        _failed(clips[k], outcome.found or outcome.where)
        for k, outcome in enumerate(outcomes)
        if not isinstance(outcome, Decoded)
    ]
    decoded = time.perf_counter()
    if not good:
        return PreparedBlock((), tuple(failed), {}, Seconds(decode=decoded - started))
    times_VF = np.full((len(good), most), np.nan, np.float32)
    for row, place in enumerate(good):
        seconds = outcomes[place].times  # type: ignore[union-attr]
        times_VF[row, : len(seconds)] = seconds
    mask_VF = ~np.isnan(times_VF)

    def frames(rows: slice) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        return pixels_VFSSC[good[rows]], mask_VF[rows]

    def encoded_so_far(done: int) -> None:
        told(len(clips) + done)

    video = encode_videos(session.fabric, encoded, len(good), frames, encoded_so_far)
    _synchronize(encoded.device)
    at_features = time.perf_counter()
    states = []
    with torch.inference_mode():
        for start in range(0, len(good), PREPARED):
            staged = encoded.head.staged_video(video[start : start + PREPARED])
            coarse_VMD = coarse_vectors(staged.frames, most=coarse)
            states.append({COARSE: coarse_VMD, **encoded.head.scorer.prepare_video(staged)})
        arrays = {name: torch.cat([state[name] for state in states]).cpu().numpy() for name in states[0]}
    arrays[TIMES] = times_VF
    odd = _non_finite(arrays)
    failed += [_failed(clips[good[row]], reason) for row, reason in odd.items()]
    kept = [row for row in range(len(good)) if row not in odd]
    told(total)
    return PreparedBlock(
        tuple(files[good[row]] for row in kept),
        tuple(failed),
        {name: array[kept] for name, array in arrays.items()} if odd else arrays,
        Seconds(
            decode=decoded - started,
            encode=at_features - decoded,
            prepare=time.perf_counter() - at_features,
        ),
    )


def _file(clip: Clip) -> IndexedVideo:
    try:
        stat = clip.path.stat()
        size, modified = stat.st_size, stat.st_mtime_ns
    except OSError:  # the reader will say so
        size = modified = 0
    return IndexedVideo(
        id=clip.id, path=str(clip.path), bytes=size, modified_ns=modified, start=clip.start, end=clip.end
    )


def _failed(clip: Clip, reason: str) -> FailedVideo:
    return FailedVideo(id=clip.id, path=str(clip.path), reason=reason)


def _non_finite(arrays: Mapping[str, NDArray[Any]]) -> dict[int, str]:
    """Say by row what is wrong with videos whose numbers are not all finite; frames may cancel out."""
    return {
        int(row): f"{name} is not finite"
        for name, array in arrays.items()
        if name != TIMES
        for row in np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
    }


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

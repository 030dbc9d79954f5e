"""Features of a split, computed in chunks that bound memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tcmgc.errors import DataError

from .feature_tensors import join, text_of, text_tensors, video_of, video_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lightning_fabric import Fabric
    from numpy.typing import NDArray

    from tcmgc.data.frames import SplitFrames
    from tcmgc.features import TextFeatures, VideoFeatures

    from .encoded_model import EncodedModel
    from .progress import ShowItems

CAPTIONS = 256
"""Captions a chunk."""

PIXELS = 2**24
"""Pixel values a chunk, 64 MiB as float32; the encoder's own tensors come on top."""


def encode(
    fabric: Fabric,
    model: EncodedModel,
    data: SplitFrames,
    progress: ShowItems | None = None,
    *,
    frame_order: NDArray[np.int64] | None = None,
) -> tuple[TextFeatures, VideoFeatures]:
    """Encode all captions and clips of a split, in evaluation mode and without gradients.

    Parameters
    ----------
    fabric
        From `tcmgc.engine.fabric.make_fabric`.
    model
        Is moved to the device, and left in evaluation mode.
    data
        T captions and V clips.
    progress
        Called with the captions and clips that are done, and with all of them.
    frame_order
        [V, F], the frame that each place shows; None for the given order.

    Returns
    -------
    tuple of TextFeatures and VideoFeatures
        In the order of the split, float32, on the device. They bear PyTorch's inference mark: what
        trains on them needs clones.

    Raises
    ------
    DataError
        When the frames do not have the size that the encoder takes.
    """
    refuse_other_frames(model, data)
    model.to(fabric.device).eval()
    captions, clips = data.split.captions, data.split.clips
    done, total = 0, len(captions) + len(clips)
    texts, videos = [], []
    with torch.inference_mode(), fabric.autocast():
        for rows in _chunks(len(captions), CAPTIONS):
            tokens = model.encoder.tokenize([caption.text for caption in captions[rows]])
            texts.append(text_tensors(model.encode_text(tokens.to(str(fabric.device)))))
            done += rows.stop - rows.start
            if progress is not None:
                progress(done, total)
        for rows in _chunks(len(clips), max(1, PIXELS // int(np.prod(data.pixels.shape[1:])))):
            pixels = data.pixels[rows]
            if frame_order is not None:
                pixels = pixels[np.arange(len(pixels))[:, None], frame_order[rows]]
            pixels_VFSSC, mask_VF = to_tensor(pixels), to_tensor(data.mask[rows])
            features = model.encode_video(pixels_VFSSC.to(fabric.device), mask_VF.to(fabric.device))
            videos.append(video_tensors(features))
            done += rows.stop - rows.start
            if progress is not None:
                progress(done, total)
        return text_of(join(texts)), video_of(join(videos))


def to_tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> torch.Tensor:
    """Share an array's memory with a tensor; a read-only one, as of a mapped file, is copied."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def refuse_other_frames(model: EncodedModel, data: SplitFrames) -> None:
    """Refuse frames that the encoder does not take."""
    size, frames = model.encoder.image_size, model.head.sizes.max_frames
    expected = (len(data.split.clips), frames, size, size, 3)
    if data.pixels.shape != expected:
        raise DataError(
            f"frames of split {data.split.name}",
            found=f"shape {list(data.pixels.shape)}",
            expected=f"{list(expected)}: clips, frames, the encoder's image size twice, RGB",
        )


def _chunks(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))

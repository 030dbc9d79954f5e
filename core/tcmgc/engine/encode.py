"""Features of a split, computed in chunks that bound memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tcmgc.errors import DataError

from .feature_tensors import join, text_of, text_tensors, video_of, video_tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
    total = len(captions) + len(clips)

    def told(before: int) -> Callable[[int], None] | None:
        return None if progress is None else lambda done: progress(before + done, total)

    def frames(rows: slice) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        pixels = data.pixels[rows]
        if frame_order is not None:
            pixels = pixels[np.arange(len(pixels))[:, None], frame_order[rows]]
        return pixels, data.mask[rows]

    texts = [caption.text for caption in captions]
    text = encode_texts(fabric, model, texts, told(0))
    return text, encode_videos(fabric, model, len(clips), frames, told(len(captions)))


def encode_texts(
    fabric: Fabric, model: EncodedModel, texts: Sequence[str], progress: Callable[[int], None] | None = None
) -> TextFeatures:
    """Encode T sentences, chunk by chunk; ``progress`` is called with those that are done."""
    found = []
    with torch.inference_mode(), fabric.autocast():
        for rows in _chunks(len(texts), CAPTIONS):
            tokens = model.encoder.tokenize(list(texts[rows]))
            found.append(text_tensors(model.encode_text(tokens.to(str(fabric.device)))))
            if progress is not None:
                progress(rows.stop)
        return text_of(join(found))


def encode_videos(
    fabric: Fabric,
    model: EncodedModel,
    clips: int,
    frames: Callable[[slice], tuple[NDArray[np.uint8], NDArray[np.bool_]]],
    progress: Callable[[int], None] | None = None,
) -> VideoFeatures:
    """Encode V clips, chunk by chunk.

    Parameters
    ----------
    fabric, model
        As in `encode`.
    clips
        V.
    frames
        Gives the pixels [n, F, S, S, 3] and the mask [n, F] of the n clips of a slice.
    progress
        Called with the clips that are done.
    """
    size = model.encoder.image_size
    found = []
    with torch.inference_mode(), fabric.autocast():
        for rows in _chunks(clips, max(1, PIXELS // (model.head.sizes.max_frames * size * size * 3))):
            pixels_VFSSC, mask_VF = map(to_tensor, frames(rows))
            features = model.encode_video(pixels_VFSSC.to(fabric.device), mask_VF.to(fabric.device))
            found.append(video_tensors(features))
            if progress is not None:
                progress(rows.stop)
        return video_of(join(found))


def to_tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> torch.Tensor:
    """Share an array's memory with a tensor; a read-only one, as of a mapped file, is copied."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def refuse_other_frames(model: EncodedModel, data: SplitFrames, frames: int | None = None) -> None:
    """Refuse frames that the encoder does not take, or other counts of them than are said."""
    size = model.encoder.image_size
    frames = model.head.sizes.max_frames if frames is None else frames
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

"""Where the features of a batch come from: a trained encoder, or features computed before."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

import torch

from tcmgc.slots.encoder import TokenIds

from .batch_loader import BatchLoader
from .encode import encode, refuse_other_frames
from .feature_cache import cached_features
from .feature_tensors import convert_text, convert_video
from .prefetch import prefetch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from lightning_fabric import Fabric

    from tcmgc.data.frames import SplitFrames
    from tcmgc.features import TextFeatures, VideoFeatures

    from .batch_loader import LoadedBatch
    from .batches import Batch
    from .encoded_model import EncodedModel
    from .frame_draws import FrameDraws
    from .progress import ShowItems

    MakeFeatures: TypeAlias = Callable[[], tuple[TextFeatures, VideoFeatures]]

CPU_WORKERS, CUDA_WORKERS = 1, 4
"""Threads that gather frames: on the CPU one, so that a disk is not waited for; the model has the cores."""


class Source(Protocol):
    """Features for training and validation, on the device."""

    def epoch(self, epoch: int, batches: Iterable[Batch]) -> Generator[MakeFeatures, None, None]:
        """Go through the batches of an epoch, counted from 1: what is yielded makes the features of one.

        They have gradients where the encoder is trained.
        """
        ...

    def validation(self) -> tuple[TextFeatures, VideoFeatures]:
        """Return the features of the whole validation split, without gradients."""
        ...


class EncodedFrames:
    """Encodes every batch anew, as the encoder changes, or the frames do.

    Frames are gathered by threads while the batch before is trained on. They come from the mapped file as
    bytes, a quarter of their size as numbers; the captions were tokenised once.

    Parameters
    ----------
    fabric, model
        As in `tcmgc.engine.train.train`.
    train, val
        Frames and captions.
    draws
        Which of a clip's frames an epoch shows, where ``train`` has more of them than a model takes.
    workers
        Threads; None for as many as suit the device.
    """

    def __init__(
        self,
        fabric: Fabric,
        model: EncodedModel,
        train: SplitFrames,
        val: SplitFrames,
        *,
        draws: FrameDraws | None = None,
        workers: int | None = None,
    ) -> None:
        refuse_other_frames(model, train, None if draws is None else draws.candidates)
        refuse_other_frames(model, val)
        self._fabric, self._model, self._val = fabric, model, val
        tokens = model.encoder.tokenize([caption.text for caption in train.split.captions])
        self._loader = BatchLoader(train, tokens, draws, pin=fabric.device.type == "cuda")
        on_device = CUDA_WORKERS if fabric.device.type == "cuda" else CPU_WORKERS
        self._workers = on_device if workers is None else workers

    def epoch(self, epoch: int, batches: Iterable[Batch]) -> Generator[MakeFeatures, None, None]:
        """Load batches ahead, and encode each when it is asked for."""
        load = partial(self._loader.load, epoch)
        with closing(prefetch(load, batches, self._workers)) as loaded:
            for batch in loaded:
                yield partial(self._encode, batch)

    def validation(self) -> tuple[TextFeatures, VideoFeatures]:
        """Encode the validation split."""
        return encode(self._fabric, self._model, self._val)

    def _encode(self, batch: LoadedBatch) -> tuple[TextFeatures, VideoFeatures]:
        device = self._fabric.device
        tokens = TokenIds(
            *(part.to(device, non_blocking=True) for part in (batch.tokens.ids, batch.tokens.mask))
        )
        pixels_VFSSC = batch.pixels.to(device, non_blocking=True)
        mask_VF = batch.mask.to(device, non_blocking=True)
        with self._fabric.autocast():
            return self._model.encode_text(tokens), self._model.encode_video(pixels_VFSSC, mask_VF)


class CachedFeatures:
    """Takes the features of a frozen encoder from the cache, where they are put first if need be."""

    def __init__(
        self,
        fabric: Fabric,
        model: EncodedModel,
        train: SplitFrames,
        val: SplitFrames,
        progress: ShowItems | None,
    ) -> None:
        self._device = fabric.device
        sizes = [len(data.split.captions) + len(data.split.clips) for data in (train, val)]

        def after(done_before: int) -> ShowItems | None:
            """Count both splits as one."""
            if progress is None:
                return None
            return lambda done, _: progress(done_before + done, sum(sizes))

        self._text, self._video = cached_features(fabric, model, train, after(0))
        text, video = cached_features(fabric, model, val, after(sizes[0]))
        self._val = self._moved(text, video)

    def epoch(self, epoch: int, batches: Iterable[Batch]) -> Generator[MakeFeatures, None, None]:
        """Pick the features of each batch when it is asked for."""
        return (partial(self._pick, batch) for batch in batches)

    def _pick(self, batch: Batch) -> tuple[TextFeatures, VideoFeatures]:
        return self._moved(
            self._text[torch.from_numpy(batch.captions)], self._video[torch.from_numpy(batch.clips)]
        )

    def validation(self) -> tuple[TextFeatures, VideoFeatures]:
        """Return the validation split's, which stay on the device."""
        return self._val

    def _moved(self, text: TextFeatures, video: VideoFeatures) -> tuple[TextFeatures, VideoFeatures]:
        def move(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.to(self._device)

        return convert_text(text, move), convert_video(video, move)

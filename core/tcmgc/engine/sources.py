"""Where the features of a batch come from: a trained encoder, or features computed before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch

from .encode import encode, refuse_other_frames, to_tensor
from .feature_cache import cached_features
from .feature_tensors import convert_text, convert_video

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from tcmgc.data.frames import SplitFrames
    from tcmgc.features import TextFeatures, VideoFeatures

    from .batches import Batch
    from .encoded_model import EncodedModel
    from .progress import ShowItems


class Source(Protocol):
    """Features for training and validation, on the device."""

    def batch(self, batch: Batch) -> tuple[TextFeatures, VideoFeatures]:
        """Return the features of a batch, with gradients where the encoder is trained."""
        ...

    def validation(self) -> tuple[TextFeatures, VideoFeatures]:
        """Return the features of the whole validation split, without gradients."""
        ...


class EncodedFrames:
    """Encodes every batch anew, as the encoder changes.

    Frames stay in memory as bytes, a quarter of their size as numbers, and the captions are tokenised
    once; what is left to do for a batch takes less time than handing it to a worker process would.
    """

    def __init__(self, fabric: Fabric, model: EncodedModel, train: SplitFrames, val: SplitFrames) -> None:
        refuse_other_frames(model, train)
        refuse_other_frames(model, val)
        self._fabric, self._model, self._train, self._val = fabric, model, train, val
        self._tokens = model.encoder.tokenize([caption.text for caption in train.split.captions])

    def batch(self, batch: Batch) -> tuple[TextFeatures, VideoFeatures]:
        """Encode the captions and frames of a batch."""
        device = self._fabric.device
        tokens = self._tokens[torch.from_numpy(batch.captions)].to(str(device))
        pixels_VFSSC = to_tensor(self._train.pixels[batch.clips]).to(device)
        mask_VF = to_tensor(self._train.mask[batch.clips]).to(device)
        with self._fabric.autocast():
            return self._model.encode_text(tokens), self._model.encode_video(pixels_VFSSC, mask_VF)

    def validation(self) -> tuple[TextFeatures, VideoFeatures]:
        """Encode the validation split."""
        return encode(self._fabric, self._model, self._val)


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

    def batch(self, batch: Batch) -> tuple[TextFeatures, VideoFeatures]:
        """Pick the features of a batch."""
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

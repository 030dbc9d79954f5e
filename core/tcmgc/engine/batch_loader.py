"""A batch on the host: its captions' tokens and its clips' frames, gathered from a mapped file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from tcmgc.slots.encoder import TokenIds

from .encode import to_tensor

if TYPE_CHECKING:
    from torch import Tensor

    from tcmgc.data.frames import SplitFrames

    from .batches import Batch
    from .frame_draws import FrameDraws


@dataclass(frozen=True)
class LoadedBatch:
    """A batch of B clips in memory.

    Parameters
    ----------
    tokens
        Of the captions.
    pixels
        uint8 [B, F, S, S, 3], zeros in padding.
    mask
        bool [B, F].
    """

    tokens: TokenIds
    pixels: Tensor
    mask: Tensor


class BatchLoader:
    """Gathers batches; safe to be called by several threads.

    Parameters
    ----------
    data
        Frames and captions.
    tokens
        Of all captions.
    draws
        Which of a clip's frames an epoch shows; None for all.
    pin
        Whether the copies are pinned, so that they go to a CUDA device while it computes.
    """

    def __init__(self, data: SplitFrames, tokens: TokenIds, draws: FrameDraws | None, *, pin: bool) -> None:
        self._data, self._tokens, self._draws, self._pin = data, tokens, draws, pin

    def load(self, epoch: int, batch: Batch) -> LoadedBatch:
        """Gather a batch of an epoch, which is counted from 1."""
        if self._draws is None:
            pixels, mask = self._data.pixels[batch.clips], self._data.mask[batch.clips]
        else:
            places, mask = self._draws.draw(batch.clips, epoch)
            pixels = self._data.pixels[batch.clips[:, None], places]
            pixels[~mask] = 0
        tokens = self._tokens[torch.from_numpy(batch.captions)]
        return LoadedBatch(
            TokenIds(self._ready(tokens.ids), self._ready(tokens.mask)),
            self._ready(to_tensor(pixels)),
            self._ready(to_tensor(mask)),
        )

    def _ready(self, tensor: Tensor) -> Tensor:
        return tensor.pin_memory() if self._pin else tensor

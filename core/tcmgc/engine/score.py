"""Scores of a split: every caption against every clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.scores import Scores

from .encode import encode
from .frame_order import FrameOrder, shuffled

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from tcmgc.data.frames import SplitFrames
    from tcmgc.features import TextFeatures, VideoFeatures

    from .encoded_model import EncodedModel
    from .progress import ShowItems


def score(
    fabric: Fabric,
    model: EncodedModel,
    data: SplitFrames,
    *,
    progress: ShowItems | None = None,
    frame_order: FrameOrder = "given",
    seed: int = 0,
) -> Scores:
    """Score every caption of a split against every clip: encoded once, then scored in tiles.

    Parameters
    ----------
    fabric
        From `tcmgc.engine.fabric.make_fabric`.
    model
        Is moved to the device, and left in evaluation mode.
    data
        T captions and V clips.
    progress
        Called with the captions and clips that are encoded, and with all of them.
    frame_order
        ``shuffled`` shows every clip's frames in a random order.
    seed
        Of that order.

    Returns
    -------
    Scores
        ``total`` and ``parts``, [T, V] each, on the CPU.

    Raises
    ------
    DataError
        When the frames do not have the size that the encoder takes, or a score is not finite.
    """
    order = shuffled(data, seed) if frame_order == "shuffled" else None
    return score_features(model, *encode(fabric, model, data, progress, frame_order=order))


def score_features(model: EncodedModel, text: TextFeatures, video: VideoFeatures) -> Scores:
    """Score features that `tcmgc.engine.encode.encode` made; the scores are on the CPU."""
    with torch.inference_mode():  # what `encode` returns may not be changed outside of it
        scores = model.head.scores(text, video)
    parts = {name: _ordinary(part) for name, part in scores.parts.items()}
    return Scores(_ordinary(scores.total), parts)


def _ordinary(tensor: torch.Tensor) -> torch.Tensor:
    """Copy to the CPU, without the mark of inference mode that forbids changes in place."""
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor)

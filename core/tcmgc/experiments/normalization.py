"""From a model's scores to what ranks: test-time normalisation, where a recipe has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.engine.score import score_features
from tcmgc.normalized_scores import normalized_scores
from tcmgc.scores import Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.ranking import Direction
    from tcmgc.slots.normalizer import Normalizer

Bank = tuple["TextFeatures", "VideoFeatures"]


def ranking_scores(
    model: EncodedModel,
    text: TextFeatures,
    video: VideoFeatures,
    scores: Scores,
    normalizer: Normalizer | None,
    bank: Callable[[], Bank | None],
    direction: Direction,
) -> torch.Tensor:
    """Return what ranks, [T, V] on the CPU: the total of what `ranked` gives."""
    return ranked(model, text, video, scores, normalizer, bank, direction).total


def ranked(
    model: EncodedModel,
    text: TextFeatures,
    video: VideoFeatures,
    scores: Scores,
    normalizer: Normalizer | None,
    bank: Callable[[], Bank | None],
    direction: Direction,
) -> Scores:
    """Return what ranks, [T, V] each on the CPU: the scores themselves where nothing is normalised.

    Parameters
    ----------
    model
        Aggregates, and scores the bank.
    text, video
        What was scored.
    scores
        Of them.
    normalizer
        Of the recipe.
    bank
        Gives the features of the train split, to a normalizer that needs a bank; or None.
    direction
        Which side asks.
    """
    if normalizer is None:
        return scores
    known = bank() if normalizer.needs == "bank" else None
    of_bank = None
    if known is not None:
        asking = (known[0], video) if direction == "t2v" else (text, known[1])
        of_bank = score_features(model, *asking)

    def aggregate(parts: Mapping[str, torch.Tensor]) -> torch.Tensor:
        moved = {name: part.to(model.device) for name, part in parts.items()}
        return model.head.scorer.aggregate(moved)

    with torch.inference_mode():
        found = normalized_scores(normalizer, scores, of_bank, direction, aggregate)
    return Scores(_ordinary(found.total), {name: _ordinary(part) for name, part in found.parts.items()})


def _ordinary(tensor: torch.Tensor) -> torch.Tensor:
    """Copy to the CPU, without the mark of inference mode that forbids changes in place."""
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor)

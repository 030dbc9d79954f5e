"""From a model's scores to what ranks: test-time normalisation, where a recipe has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.engine.score import score_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.ranking import Direction
    from tcmgc.scores import Scores
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
    """Return what ranks, [T, V] on the CPU: the total of the scores where nothing is normalised.

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
        return scores.total
    known = bank() if normalizer.needs == "bank" else None
    of_bank = None
    if known is not None:
        asking = (known[0], video) if direction == "t2v" else (text, known[1])
        of_bank = score_features(model, *asking).parts
    parts = normalizer(scores.parts, of_bank, direction)
    with torch.inference_mode():
        moved = {name: part.to(model.device) for name, part in parts.items()}
        total = model.head.scorer.aggregate(moved)
    return torch.empty(total.shape, dtype=total.dtype).copy_(total)  # without inference mode's mark

"""Similarity decorrelation regularization (SDR)."""

from typing import ClassVar

import torch
from torch import Generator, Tensor

from tcmgc.features import TextFeatures, VideoFeatures
from tcmgc.scores import Scores


class SimilarityDecorrelation:
    """The variance over the granularities' scores of a matching pair, averaged over the pairs.

    Unbiased variance; the scores bear the logit scale where the recipe puts it on them.
    """

    paper: ClassVar[str] = "TC-MGC, arXiv:2504.04707, similarity decorrelation regularization (SDR)"

    def __call__(
        self,
        scores: Scores,
        text: TextFeatures,
        video: VideoFeatures,
        pairs: Tensor,
        generator: Generator | None,
    ) -> Tensor:
        """Scalar.

        Raises
        ------
        ValueError
            When there is one granularity: one score has no variance.
        """
        if len(scores.parts) < 2:
            raise ValueError("sdr is the variance over granularities and needs at least two")
        rows = torch.arange(len(pairs), device=pairs.device)
        matching_TK = torch.stack([part[rows, pairs] for part in scores.parts.values()], dim=-1)
        return matching_TK.var(dim=-1, unbiased=True).mean()

"""InfoNCE in both directions."""

from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn import functional

from tcmgc.features import TextFeatures, VideoFeatures
from tcmgc.scores import Scores


class InfoNCE:
    """Cross-entropy of each text over the videos and of each text's video over the texts, averaged.

    With one text a video the second is the mean over videos. With several texts of one video in a
    batch, each is a negative of the others, as in every published loader.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860; TC-MGC, arXiv:2504.04707"

    def __call__(
        self,
        scores: Scores,
        text: TextFeatures,
        video: VideoFeatures,
        pairs: Tensor,
        generator: Generator | None,
    ) -> Tensor:
        """Scalar, in nats."""
        logits_TV = scores.logits
        text_to_video = functional.cross_entropy(logits_TV, pairs)
        own_column_TT = logits_TV.T[pairs]
        video_to_text = functional.cross_entropy(own_column_TT, torch.arange(len(pairs), device=pairs.device))
        return (text_to_video + video_to_text) / 2

"""Channel decorrelation regularization (CDCR) of DRL."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from tcmgc.features import TextFeatures, VideoFeatures
from tcmgc.scores import Scores
from tcmgc.visual import unit


class ChannelDecorrelation:
    """Pull the cross-correlation of matched tokens and frames towards the identity.

    Every real token is matched with the frame of its own video most similar to it (X1, Y1), and every
    real frame with its token (X2, Y2). With z the standardisation over all matches (unbiased standard
    deviation), ``c = (c1 + c2) / 2`` of the channels' correlations, and the loss is
    ``alpha1 sum_i (c_ii - 1)^2 + alpha2 sum_{i != j} c_ij^2``, sums rather than means.

    Parameters
    ----------
    weighted
        Weigh every match by the interaction's weight of its token or frame and divide by the batch
        size (level 3 of the released code); otherwise divide by the number of matches (level 2).
    granularity
        Whose interaction gives the weights.
    masked
        How padding enters the matching: ``zero``, as a similarity of 0, which wins where all real ones
        are negative (the released code); ``exclude``, not at all.
    alpha1, alpha2
        Of the diagonal and the rest.
    """

    paper: ClassVar[str] = "DRL, arXiv:2203.07111, channel decorrelation regularization"

    def __init__(
        self,
        *,
        weighted: bool = True,
        granularity: str = "frame-word",
        masked: Literal["zero", "exclude"] = "exclude",
        alpha1: Annotated[float, Field(ge=0)] = 0.11,
        alpha2: Annotated[float, Field(ge=0)] = 0.0,
    ) -> None:
        self.weighted = weighted
        self.granularity = granularity
        self.masked = masked
        self.alpha1 = alpha1
        self.alpha2 = alpha2

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
            When ``weighted`` and the granularity's interaction gives no weights.
        """
        words, frames = text.tokens("words"), video.tokens("frames")[pairs]
        exclude = self.masked == "exclude"
        word_values = unit(words.values, words.mask if exclude else None)
        frame_values = unit(frames.values, frames.mask if exclude else None)
        mask_NWF = words.mask[:, :, None] & frames.mask[:, None, :]
        fill = -torch.inf if exclude else 0.0
        similarity_NWF = (word_values @ frame_values.mT).masked_fill(~mask_NWF, fill)
        frame_of_word = _gather(frame_values, similarity_NWF.argmax(dim=2))
        word_of_frame = _gather(word_values, similarity_NWF.argmax(dim=1))
        word_weights, frame_weights = self._weights(scores, pairs)
        c = (
            _correlation(word_values, frame_of_word, words.mask, word_weights)
            + _correlation(frame_values, word_of_frame, frames.mask, frame_weights)
        ) / 2
        on_diagonal = (c.diagonal() - 1).square().sum()
        off_diagonal = c.square().sum() - c.diagonal().square().sum()
        return self.alpha1 * on_diagonal + self.alpha2 * off_diagonal

    def _weights(self, scores: Scores, pairs: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """[N, W] and [N, F]."""
        if not self.weighted:
            return None, None
        names = [f"{self.granularity}/{side}/weights" for side in ("text", "video")]
        if any(name not in scores.aux for name in names):
            raise ValueError(
                f"cdcr with weighted = true needs an interaction with weights in granularity "
                f"{self.granularity!r}, as wti"
            )
        return scores.aux[names[0]], scores.aux[names[1]][pairs]


def _gather(values_NLD: Tensor, index_NM: Tensor) -> Tensor:
    """[N, M, D]: of every item, the vectors at its indices."""
    return values_NLD.gather(1, index_NM.unsqueeze(-1).expand(-1, -1, values_NLD.shape[-1]))


def _correlation(x_NLD: Tensor, y_NLD: Tensor, mask_NL: Tensor, weights_NL: Tensor | None) -> Tensor:
    """[D, D], the correlation of the channels of matched rows."""
    x_RD, y_RD = _standardize(x_NLD[mask_NL]), _standardize(y_NLD[mask_NL])
    if weights_NL is None:
        return x_RD.T @ y_RD / len(x_RD)
    return torch.einsum("r,ri,rj->ij", weights_NL[mask_NL], x_RD, y_RD) / len(mask_NL)


def _standardize(x_RD: Tensor) -> Tensor:
    return (x_RD - x_RD.mean(dim=0)) / x_RD.std(dim=0, unbiased=True)

"""Channel decorrelation regularization (CDCR) of DRL."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Generator, Tensor

from tcmgc.features import TextFeatures, Tokens, VideoFeatures
from tcmgc.scores import Scores
from tcmgc.visual import unit
from tcmgc_plugins.blocks.fill_padding import fill_padding
from tcmgc_plugins.views.mean import Mean

DRAWN = 10_000
"""Random picks are whole numbers below this, modulo how many there are to pick from, as released."""

Draw = Callable[[int, Generator | None, torch.device], Tensor]
"""(how many, generator, device) to whole numbers below `DRAWN`, [N]."""


class Matches(NamedTuple):
    """Rows x [R, D] and y [R, D] that belong together, their weights [R] or None, and a divisor."""

    x: Tensor
    y: Tensor
    weights: Tensor | None
    divisor: int


def draw_integers(count: int, generator: Generator | None, device: torch.device) -> Tensor:
    """Draw N whole numbers below `DRAWN`."""
    return torch.randint(0, DRAWN, (count,), generator=generator, device=device)


class ChannelDecorrelation:
    """Pull the cross-correlation of matched vectors of text and video towards the identity.

    With z the standardisation over all matches (unbiased standard deviation, no epsilon), the correlation of
    the channels is ``c = z(X)^T z(Y) / divisor``, and the loss ``alpha1 sum_i (c_ii - 1)^2 + alpha2
    sum_{i != j} c_ij^2``, sums rather than means. All vectors are at unit norm.

    Parameters
    ----------
    matches
        ``pooled``: the sentence and the mean of the frames; divided by the batch size B (the released code
        for dot products). ``random``: one real word and one real frame of every pair, drawn; divided by B
        (level 1). ``best``: every real word with the frame of its own video most similar to it, and every
        real frame with its word; c is the mean of the two, each divided by the number of its matches (level
        2). ``weighted``: as ``best``, every match weighed by the interaction's weight of its word or frame,
        and divided by B (level 3).
    granularity
        Whose interaction gives the weights.
    masked
        How padding enters ``best`` and ``weighted``: ``zero``, as a similarity of 0, which wins where all
        real ones are negative (the released code); ``exclude``, not at all.
    alpha1, alpha2
        Of the diagonal and the rest.

    Attributes
    ----------
    draw : Callable
        What draws for ``random``, first the words' numbers and then the frames'; to be replaced where they
        are known, as recorded ones are.
    """

    paper: ClassVar[str] = "DRL, arXiv:2203.07111, channel decorrelation regularization"

    def __init__(
        self,
        *,
        matches: Literal["pooled", "random", "best", "weighted"] = "weighted",
        granularity: str = "frame-word",
        masked: Literal["zero", "exclude"] = "exclude",
        alpha1: Annotated[float, Field(ge=0)] = 0.11,
        alpha2: Annotated[float, Field(ge=0)] = 0.0,
    ) -> None:
        self.matches = matches
        self.granularity = granularity
        self.masked: Literal["zero", "exclude"] = masked
        self.alpha1 = alpha1
        self.alpha2 = alpha2
        self.draw: Draw = draw_integers

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
            When ``matches`` is ``weighted`` and the granularity's interaction gives no weights.
        """
        c = self.correlation(scores, text, video, pairs, generator)
        on_diagonal = (c.diagonal() - 1).square().sum()
        off_diagonal = c.square().sum() - c.diagonal().square().sum()
        return self.alpha1 * on_diagonal + self.alpha2 * off_diagonal

    def correlation(
        self,
        scores: Scores,
        text: TextFeatures,
        video: VideoFeatures,
        pairs: Tensor,
        generator: Generator | None,
    ) -> Tensor:
        """[D, D], c; the arguments are the loss's."""
        if self.matches == "pooled":
            found = [self._pooled(text, video[pairs])]
        elif self.matches == "random":
            found = [self._random(text.tokens("words"), video.frames[pairs], generator)]
        else:
            found = self._best(scores, text.tokens("words"), video.frames[pairs], pairs)
        return torch.stack([_correlation(matches) for matches in found]).mean(dim=0)

    def _pooled(self, text: TextFeatures, video: VideoFeatures) -> Matches:
        sentences, means = text.tokens("sentence"), Mean().prepare(video.frames)
        pooled_ND = unit(means["mean"], means["mask"])[:, 0]
        return Matches(unit(sentences.values)[:, 0], pooled_ND, None, len(pooled_ND))

    def _random(self, words: Tokens, frames: Tokens, generator: Generator | None) -> Matches:
        x_ND, y_ND = (
            unit(_pick(side, self.draw(len(side.values), generator, side.values.device)))
            for side in (words, frames)
        )
        return Matches(x_ND, y_ND, None, len(x_ND))

    def _best(self, scores: Scores, words: Tokens, frames: Tokens, pairs: Tensor) -> list[Matches]:
        exclude = self.masked == "exclude"
        word_values, frame_values = (
            unit(side.values, side.mask if exclude else None) for side in (words, frames)
        )
        mask_NWF = words.mask[:, :, None] & frames.mask[:, None, :]
        similarity_NWF = fill_padding(word_values @ frame_values.mT, mask_NWF, self.masked)
        frame_of_word = _gather(frame_values, similarity_NWF.argmax(dim=2))
        word_of_frame = _gather(word_values, similarity_NWF.argmax(dim=1))
        word_weights, frame_weights = self._weights(scores, pairs)
        return [
            _matches(word_values, frame_of_word, words.mask, word_weights),
            _matches(frame_values, word_of_frame, frames.mask, frame_weights),
        ]

    def _weights(self, scores: Scores, pairs: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """[N, W] and [N, F]."""
        if self.matches == "best":
            return None, None
        names = [f"{self.granularity}/{side}/weights" for side in ("text", "video")]
        if any(name not in scores.aux for name in names):
            raise ValueError(
                f"cdcr with matches = weighted needs an interaction with weights in granularity "
                f"{self.granularity!r}, as wti"
            )
        return scores.aux[names[0]], scores.aux[names[1]][pairs]


def _pick(tokens: Tokens, numbers_N: Tensor) -> Tensor:
    """[N, D]: of every item, the real token of that number, counted from 0 and round."""
    counts_N = tokens.mask.sum(dim=1).clamp(min=1)
    real_first_NL = tokens.mask.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    place_N1 = real_first_NL.gather(1, (numbers_N % counts_N)[:, None])
    return _gather(tokens.values, place_N1)[:, 0]


def _matches(x_NLD: Tensor, y_NLD: Tensor, mask_NL: Tensor, weights_NL: Tensor | None) -> Matches:
    """Take the real rows of items; divided by the rows, or by the items where the rows are weighed."""
    x_RD, y_RD = x_NLD[mask_NL], y_NLD[mask_NL]
    if weights_NL is None:
        return Matches(x_RD, y_RD, None, len(x_RD))
    return Matches(x_RD, y_RD, weights_NL[mask_NL], len(mask_NL))


def _gather(values_NLD: Tensor, index_NM: Tensor) -> Tensor:
    """[N, M, D]: of every item, the vectors at its indices."""
    return values_NLD.gather(1, index_NM.unsqueeze(-1).expand(-1, -1, values_NLD.shape[-1]))


def _correlation(matches: Matches) -> Tensor:
    """[D, D], the correlation of the channels of matched rows."""
    x_RD, y_RD = _standardize(matches.x), _standardize(matches.y)
    if matches.weights is not None:
        x_RD = matches.weights[:, None] * x_RD
    return x_RD.T @ y_RD / matches.divisor


def _standardize(x_RD: Tensor) -> Tensor:
    return (x_RD - x_RD.mean(dim=0)) / x_RD.std(dim=0, unbiased=True)

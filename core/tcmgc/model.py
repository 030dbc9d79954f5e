"""A retrieval model: stages, a scorer, a logit scale and losses."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from .errors import DataError
from .slots.stage import Rereading
from .tiles import Tiling, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Generator, Tensor

    from .builder import Sizes
    from .features import TextFeatures, VideoFeatures
    from .recipes.load import Recipe
    from .scores import Scores
    from .slots.loss import Loss
    from .slots.scorer import Scorer
    from .slots.stage import FeatureStage


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout and its like off, and every module back to the mode it was in."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@dataclass(frozen=True)
class LossResult:
    """A batch's loss.

    Parameters
    ----------
    total
        The weighted sum, a scalar.
    terms
        Every loss by name, before its weight.
    scores
        What they were computed from.
    """

    total: Tensor
    terms: Mapping[str, Tensor]
    scores: Scores


class RetrievalModel(nn.Module):
    """Everything after the encoders.

    Parameters
    ----------
    recipe
        What it was built from.
    sizes
        What it was built for.
    text_stages, video_stages
        Applied in order to the features of their side.
    scorer
        Scores the features that come out of the stages.
    losses
        Weight and loss by name.
    logit_scale_apply
        Where the logit scale goes: ``parts``, ``loss`` or ``never``.
    logit_scale_init, logit_scale_max
        Its start, and what `clamp_logit_scale` holds it to.
    empty_items
        Whether texts without words and videos without frames are refused, videos alone, or none.

    Attributes
    ----------
    logit_scale : nn.Parameter
        The logarithm of the scale, as in CLIP.
    """

    def __init__(
        self,
        *,
        recipe: Recipe,
        sizes: Sizes,
        text_stages: Sequence[FeatureStage[Any]],
        video_stages: Sequence[FeatureStage[Any]],
        scorer: Scorer,
        losses: Mapping[str, tuple[float, Loss]],
        logit_scale_apply: Literal["parts", "loss", "never"],
        logit_scale_init: float,
        logit_scale_max: float,
        empty_items: Literal["refuse", "refuse-videos", "score"] = "refuse",
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.sizes = sizes
        self._stages = {"text": list(text_stages), "video": list(video_stages)}
        # Registers the weights under stages.<side>.<index>; stages without weights are skipped.
        self.stages = nn.ModuleDict(
            {
                side: nn.ModuleDict({str(i): s for i, s in enumerate(stages) if isinstance(s, nn.Module)})
                for side, stages in self._stages.items()
            }
        )
        self.scorer = scorer
        self.losses = dict(losses)
        # Registers the weights of losses that have any.
        self.loss_modules = nn.ModuleDict(
            {n: loss for n, (_, loss) in losses.items() if isinstance(loss, nn.Module)}
        )
        self.logit_scale = nn.Parameter(torch.tensor(math.log(logit_scale_init), dtype=torch.float64))
        self._apply_scale = logit_scale_apply
        self._max_scale = logit_scale_max
        self._refuses_empty_texts = empty_items == "refuse"
        self._refuses_empty_videos = empty_items != "score"

    @property
    def inputs(self) -> frozenset[str]:
        """The tensors it reads: of sentence, words, frames, patches."""
        wanted = self.scorer.inputs
        for stages in self._stages.values():
            for stage in reversed(stages):
                if isinstance(stage, Rereading):
                    wanted = stage.reads(wanted)
        return frozenset("frames" if name == "raw_frames" else name for name in wanted)

    def apply_stages(self, text: TextFeatures, video: VideoFeatures) -> tuple[TextFeatures, VideoFeatures]:
        """Send both sides through their stages.

        Raises
        ------
        DataError
            When an item is empty and the recipe refuses such items: with the item.
        """
        if self._refuses_empty_texts and text.words is not None and "words" in self.inputs:
            _refuse_empty("text", "word", text.words.mask)
        if self._refuses_empty_videos:
            _refuse_empty("video", "frame", video.frames.mask)
        for stage in self._stages["text"]:
            text = stage(text)
        for stage in self._stages["video"]:
            video = stage(video)
        return text, video

    def forward(self, text: TextFeatures, video: VideoFeatures) -> Scores:
        """Score all T texts against all V videos at once, with gradients: what training does."""
        return self._score(*self.apply_stages(text, video))

    def _score(self, text: TextFeatures, video: VideoFeatures) -> Scores:
        scores = self.scorer(self.scorer.prepare_text(text), self.scorer.prepare_video(video), self._scale())
        return replace(scores, loss_scale=self._loss_scale())

    def loss(
        self,
        text: TextFeatures,
        video: VideoFeatures,
        pairs: Tensor | None = None,
        generator: Generator | None = None,
    ) -> LossResult:
        """Compute the recipe's loss on a batch.

        Parameters
        ----------
        text, video
            T texts and V videos.
        pairs
            [T], the row of each text's video; text i belongs to video i when left out.
        generator
            For losses that draw.
        """
        if pairs is None:
            if len(text) != len(video):
                raise DataError(
                    "loss",
                    found=f"{len(text)} texts and {len(video)} videos",
                    expected="as many of both, or `pairs`",
                )
            pairs = torch.arange(len(text), device=self.logit_scale.device)
        text, video = self.apply_stages(text, video)
        scores = self._score(text, video)
        terms = {name: loss(scores, text, video, pairs, generator) for name, (_, loss) in self.losses.items()}
        weighted = [self.losses[name][0] * term for name, term in terms.items()]
        total = torch.stack(weighted).sum() if weighted else scores.total.new_zeros(())
        return LossResult(total, terms, scores)

    @torch.no_grad()
    def scores(
        self,
        text: TextFeatures,
        video: VideoFeatures,
        *,
        tiling: Tiling | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Scores:
        """Score whole galleries, tile by tile, in evaluation mode and without gradients.

        Parameters
        ----------
        text, video
            T texts and V videos.
        tiling
            Texts and videos a tile; chosen from a memory budget when left out.
        progress
            Called with the pairs scored so far and the pairs in all.

        Returns
        -------
        Scores
            ``total`` and ``parts`` on the device of the features; no ``aux``.

        Raises
        ------
        DataError
            When a score is not finite: with its text and video.
        """
        with _evaluating(self):
            text, video = self.apply_stages(text, video)
            return walk(self.scorer, text, video, self._scale(), tiling=tiling, progress=progress)

    def similarity(self, text: TextFeatures, video: VideoFeatures, *, tiling: Tiling | None = None) -> Tensor:
        """Return what ranks: [T, V], scaled where the published evaluation scales."""
        return self.scores(text, video, tiling=tiling).total

    @torch.no_grad()
    def clamp_logit_scale(self) -> None:
        """Hold the logit scale to its largest value; from above only, as CLIP does."""
        self.logit_scale.clamp_(max=math.log(self._max_scale))

    def _scale(self) -> Tensor:
        return self.logit_scale.exp()

    def _loss_scale(self) -> Tensor | float:
        return self._scale() if self._apply_scale == "loss" else 1.0


def _refuse_empty(item: str, token: str, mask_NL: Tensor) -> None:
    empty = torch.nonzero(~mask_NL.any(dim=1))
    if len(empty):
        raise DataError(
            f"{item} {empty[0].item()}",
            found=f"no real {token} ({len(empty)} such in all)",
            expected=f"at least one {token}: a mean over none is NaN in the official codes",
            hint="empty_items=score, as in the variant `corrected`, defines a score; or leave such items out",
        )

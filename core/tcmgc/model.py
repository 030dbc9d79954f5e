"""A retrieval model: stages, a scorer, a logit scale and losses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from .errors import DataError
from .evaluation_mode import evaluating
from .granular import GranularScorer
from .score_tiles import score_batch
from .sheet import Sheet, in_memory
from .slots.stage import Rereading
from .tile_compiler import Compilation
from .tiles import Tiling, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Generator, Tensor

    from .builder import Sizes
    from .features import TextFeatures, VideoFeatures
    from .recipes.load import Recipe
    from .scores import Scores
    from .sheet import Allocate
    from .slots.loss import Loss
    from .slots.scorer import Scorer
    from .slots.stage import FeatureStage
    from .state import State
    from .view_use import Form


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
    score_memory : int or None
        Bytes that a batch's scores may keep for gradients, about; None for no limit. See `tcmgc.score_tiles`.
    compilation : Compilation
        Whether `scores` compiles its tiles, and what it took; by itself it does where the pairs repay it.
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
        self.compilation = Compilation()
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
        self.score_memory: int | None = 2**31
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

    @property
    def form(self) -> Form:
        """How vectors that a text conditions are held: ``factored``, or ``dense``, the oracle of that.

        The scores are the same but for rounding. It makes no difference to a recipe without such vectors.
        """
        return self.scorer.form if isinstance(self.scorer, GranularScorer) else "dense"

    @form.setter
    def form(self, form: Form) -> None:
        if isinstance(self.scorer, GranularScorer):
            self.scorer.form = form

    def apply_stages(self, text: TextFeatures, video: VideoFeatures) -> tuple[TextFeatures, VideoFeatures]:
        """Send both sides through their stages.

        Raises
        ------
        DataError
            When an item is empty and the recipe refuses such items: with the item.
        """
        self._refuse_empty_items(text, video)
        return self._through_stages("text", text), self._through_stages("video", video)

    def _through_stages(self, side: Literal["text", "video"], features: Any) -> Any:
        for stage in self._stages[side]:
            features = stage(features)
        return features

    def _refuse_empty_items(self, text: TextFeatures | None, video: VideoFeatures | None) -> None:
        words = None if text is None else text.words
        if self._refuses_empty_texts and words is not None and "words" in self.inputs:
            _refuse_empty("text", "word", words.mask)
        if self._refuses_empty_videos and video is not None:
            _refuse_empty("video", "frame", video.frames.mask)

    @torch.no_grad()
    def prepare_text(self, text: TextFeatures) -> State:
        """Compute once a text what `score_states` needs: stages, and the scorer's state, led by T.

        As in `scores`: in evaluation mode, without gradients, empty items refused.
        """
        self._refuse_empty_items(text, None)
        with evaluating(self):
            return self.scorer.prepare_text(self._through_stages("text", text))

    @torch.no_grad()
    def staged_video(self, video: VideoFeatures) -> VideoFeatures:
        """Send videos through their stages: what the scorer prepares.

        As in `scores`: in evaluation mode, without gradients, empty items refused.
        """
        self._refuse_empty_items(None, video)
        with evaluating(self):
            staged: VideoFeatures = self._through_stages("video", video)
            return staged

    @torch.no_grad()
    def prepare_video(self, video: VideoFeatures) -> State:
        """Compute once a video what `score_states` needs, led by V: what an index keeps."""
        with evaluating(self):
            return self.scorer.prepare_video(self.staged_video(video))

    @torch.no_grad()
    def score_states(self, text: State, video: State) -> Scores:
        """Score what `prepare_text` and `prepare_video` returned, or slices of it, in one tile."""
        with evaluating(self):
            return self.scorer(text, video, self._scale())

    def forward(self, text: TextFeatures, video: VideoFeatures) -> Scores:
        """Score all T texts against all V videos, with gradients: what training does."""
        return self._score(*self.apply_stages(text, video))

    def _score(self, text: TextFeatures, video: VideoFeatures) -> Scores:
        prepared = self.scorer.prepare_text(text), self.scorer.prepare_video(video)
        scores = score_batch(self.scorer, *prepared, self._scale(), memory=self.score_memory)
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

    def scores(
        self,
        text: TextFeatures,
        video: VideoFeatures,
        *,
        tiling: Tiling | None = None,
        progress: Callable[[int, int], None] | None = None,
        allocate: Allocate = in_memory,
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
        allocate
            Makes the matrices; on the device of the features when left out, or in a file, by
            `tcmgc.files.scores_file.scores_file`.

        Returns
        -------
        Scores
            ``total`` and ``parts``; no ``aux``.

        Raises
        ------
        DataError
            When a score is not finite: with its text and video.
        """
        sheet = Sheet((len(text), len(video)), allocate)
        self.scores_into(sheet, 0, text, video, tiling=tiling, progress=progress)
        return sheet.scores

    @torch.no_grad()
    def scores_into(
        self,
        sheet: Sheet,
        first_video: int,
        text: TextFeatures,
        video: VideoFeatures,
        *,
        tiling: Tiling | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Do what `scores` does for some videos of a gallery: a sheet's columns from ``first_video`` on."""
        with evaluating(self):
            text, video = self.apply_stages(text, video)
            walk(
                self.scorer,
                text,
                video,
                self._scale(),
                sheet=sheet,
                first_video=first_video,
                tiling=tiling,
                progress=progress,
                compilation=self.compilation,
            )

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

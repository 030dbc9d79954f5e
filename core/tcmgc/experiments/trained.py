"""A finished run, or an imported checkpoint, as a model: texts and video files to scores."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.data.decode import Decoding
from tcmgc.engine.encode import encode, encode_texts
from tcmgc.engine.encoded_model import EncodedModel, build_with_encoder
from tcmgc.engine.score import score_features
from tcmgc.errors import ConfigError, DataError
from tcmgc.recipes.draft import Draft
from tcmgc.recipes.load import finish
from tcmgc.runs.model_file import read_model
from tcmgc.runs.model_folder import read_model_folder
from tcmgc.runs.stale import stale_reasons

from .normalization import ranked
from .session import Session
from .video_files import encode_video_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.engine.progress import ShowItems
    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.ranking import Direction
    from tcmgc.recipes.load import Recipe
    from tcmgc.recipes.overrides import Override
    from tcmgc.registry import Registry
    from tcmgc.runs.record import RunRecord
    from tcmgc.scores import Scores
    from tcmgc.slots.normalizer import Needs, Normalizer

    from .normalization import Bank


class StaleRunWarning(UserWarning):
    """Source code that a run depends on changed since it was computed."""


class TrainedModel:
    """Scores texts against video files; in evaluation mode, without gradients.

    Parameters
    ----------
    model
        Encoder and head, with their trained weights.
    recipe
        What it was built from.
    record
        Of the run; None for an imported checkpoint.
    session
        Reader, sampler and device.
    """

    def __init__(
        self, model: EncodedModel, recipe: Recipe, record: RunRecord | None, session: Session
    ) -> None:
        self.model = model
        self.recipe = recipe
        self.record = record
        self._session = session
        self._decoding = Decoding(session.reader(recipe), session.sampler(recipe), model.encoder.image_size)
        config = recipe.config["normalizer"]
        self._normalizer: Normalizer | None = (
            None if config is None else session.registry.create("normalizer", config, {})
        )
        self._bank: Bank | None = None

    @property
    def needs(self) -> Needs | None:
        """What the recipe's normalizer looks at; None where there is none."""
        return None if self._normalizer is None else self._normalizer.needs

    def split(self, name: SplitName) -> Split:
        """Return a split of the run's data set: clips and captions."""
        return self._session.split(self.recipe, name)

    def similarity(
        self, texts: Sequence[str], videos: Sequence[str | Path], direction: Direction = "t2v"
    ) -> torch.Tensor:
        """Return what ranks, [T, V] on the CPU: the scores after the recipe's normalizer, if it has one.

        A normalizer that needs a bank gets the train split of the run's data set, which is then read and
        encoded once; for one that looks at all test queries, they are those that are given.

        Parameters
        ----------
        texts
            T sentences.
        videos
            V paths of video files.
        direction
            Which side asks; it changes nothing without a normalizer.

        Raises
        ------
        DataError
            When there are none, or a video cannot be read.
        """
        return self.ranked(texts, videos, direction).total

    def ranked(
        self,
        texts: Sequence[str],
        videos: Sequence[str | Path],
        direction: Direction = "t2v",
        progress: ShowItems | None = None,
    ) -> Scores:
        """Return what ranks, as `similarity`, with the granularities' parts, [T, V] each on the CPU.

        Parameters
        ----------
        texts, videos, direction
            As in `similarity`.
        progress
            Called with what is done, and with T + 2 V: a text that is encoded, a video that is decoded,
            and one that is encoded.
        """
        total = len(texts) + 2 * len(videos)

        def told(before: int, done: int) -> None:
            if progress is not None:
                progress(before + done, total)

        text = self.encode_texts(texts, lambda done: told(0, done))
        video = self.encode_videos(videos, lambda done, _: told(len(texts), done))
        scores = score_features(self.model, text, video)
        return ranked(self.model, text, video, scores, self._normalizer, self._train_features, direction)

    def scores(self, texts: Sequence[str], videos: Sequence[str | Path]) -> Scores:
        """Return the total and the granularities' parts, [T, V] each on the CPU, not normalised."""
        return score_features(self.model, self.encode_texts(texts), self.encode_videos(videos))

    def encode_texts(
        self, texts: Sequence[str], progress: Callable[[int], None] | None = None
    ) -> TextFeatures:
        """Encode T sentences; the features are on the model's device."""
        if isinstance(texts, str) or not texts:
            raise DataError("texts", found=repr(texts), expected="a list of sentences")
        return encode_texts(self._session.fabric, self.model, texts, progress)

    def encode_videos(self, videos: Sequence[str | Path], progress: ShowItems | None = None) -> VideoFeatures:
        """Decode and encode V video files; the features are on the model's device."""
        if isinstance(videos, (str, Path)) or not videos:
            raise DataError("videos", found=repr(videos), expected="a list of paths")
        return encode_video_files(self._session.fabric, self.model, self._decoding, videos, progress)

    def _train_features(self) -> Bank:
        if self.recipe.config["dataset"] is None:
            raise ConfigError(
                f"normalizer {self.recipe.config['normalizer']['name']!r}",
                found="no data set, whose train split it would look at",
                expected="one that looks at nothing else, or a dataset",
            )
        if self._bank is None:
            frames = self._session.frames(self.recipe, "train")
            self._bank = encode(self._session.fabric, self.model, frames)
        return self._bank


def load_trained(
    registry: Registry,
    folder: Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    overrides: Sequence[Override] = (),
) -> TrainedModel:
    """Load a finished run or an imported checkpoint; see `tcmgc.load`.

    Parameters
    ----------
    registry
        Where components are found.
    folder
        The model's.
    device, precision
        As `tcmgc.engine.fabric.make_fabric` takes them.
    overrides
        Applied to the model's recipe, whose weights still have to fit.

    Warns
    -----
    StaleRunWarning
        When source code that the run depends on changed since.
    """
    given = read_model_folder(folder)
    if given.record is not None:
        warn_of_stale(folder, given.record, registry)
    draft = Draft.read(registry, given.config)
    for override in overrides:
        draft = draft.override(override)
    recipe = finish(draft)
    session = Session(registry, device, precision=precision)
    model = build_with_encoder(recipe, registry, given.seed)
    read_model(given.weights, model)
    return TrainedModel(model.to(session.fabric.device).eval(), recipe, given.record, session)


def warn_of_stale(folder: Path, record: RunRecord, registry: Registry) -> list[str]:
    """Warn where a run's numbers would be others today, and return the reasons."""
    reasons = stale_reasons(record, registry)
    for reason in reasons:
        warnings.warn(f"run {folder}: {reason} since it was computed", StaleRunWarning, stacklevel=4)
    return reasons

"""A finished run as a model: texts and video files to scores."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.engine.encode import encode, encode_texts, encode_videos
from tcmgc.engine.encoded_model import EncodedModel, build_encoded
from tcmgc.engine.score import score_features
from tcmgc.errors import DataError
from tcmgc.recipes.load import load_recipe
from tcmgc.runs.model_file import read_model
from tcmgc.runs.run_folder import CONFIG, WEIGHTS, read_run
from tcmgc.runs.stale import stale_reasons

from .normalization import ranking_scores
from .session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from numpy.typing import NDArray

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.ranking import Direction
    from tcmgc.recipes.load import Recipe
    from tcmgc.registry import Registry
    from tcmgc.runs.record import RunRecord
    from tcmgc.scores import Scores
    from tcmgc.slots.normalizer import Normalizer

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
        Of the run.
    session
        Reader, sampler and device.
    """

    def __init__(self, model: EncodedModel, recipe: Recipe, record: RunRecord, session: Session) -> None:
        self.model = model
        self.recipe = recipe
        self.record = record
        self._session = session
        parts = session.parts(recipe)
        self._decoding = Decoding(parts.reader, parts.sampler, parts.encoder.image_size)
        config = recipe.config["normalizer"]
        self._normalizer: Normalizer | None = (
            None if config is None else session.registry.create("normalizer", config, {})
        )
        self._bank: Bank | None = None

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
        text, video = self.encode_texts(texts), self.encode_videos(videos)
        scores = score_features(self.model, text, video)
        return ranking_scores(
            self.model, text, video, scores, self._normalizer, self._train_features, direction
        )

    def scores(self, texts: Sequence[str], videos: Sequence[str | Path]) -> Scores:
        """Return the total and the granularities' parts, [T, V] each on the CPU, not normalised."""
        return score_features(self.model, self.encode_texts(texts), self.encode_videos(videos))

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode T sentences; the features are on the model's device."""
        if isinstance(texts, str) or not texts:
            raise DataError("texts", found=repr(texts), expected="a list of sentences")
        return encode_texts(self._session.fabric, self.model, texts)

    def encode_videos(self, videos: Sequence[str | Path]) -> VideoFeatures:
        """Decode and encode V video files; the features are on the model's device."""
        if isinstance(videos, (str, Path)) or not videos:
            raise DataError("videos", found=repr(videos), expected="a list of paths")
        fabric, model = self._session.fabric, self.model
        return encode_videos(fabric, model, len(videos), lambda rows: self._decode(videos[rows]))

    def _train_features(self) -> Bank:
        if self._bank is None:
            frames = self._session.frames(self.recipe, "train")
            self._bank = encode(self._session.fabric, self.model, frames)
        return self._bank

    def _decode(self, videos: Sequence[str | Path]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        size, frames = self._decoding.image_size, self._decoding.sampler.frames
        pixels_VFSSC = np.zeros((len(videos), frames, size, size, 3), dtype=np.uint8)
        mask_VF = np.zeros((len(videos), frames), dtype=np.bool_)
        for row, path in enumerate(videos):
            found, _ = self._decoding(Clip(str(path), Path(path)))
            pixels_VFSSC[row, : len(found)] = found
            mask_VF[row, : len(found)] = True
        return pixels_VFSSC, mask_VF


def load_run(registry: Registry, folder: Path, *, device: str = "auto") -> TrainedModel:
    """Load a finished run; see `tcmgc.load`.

    Warns
    -----
    StaleRunWarning
        When source code that the run depends on changed since.
    """
    record = read_run(folder).record
    warn_of_stale(folder, record, registry)
    recipe = load_recipe(registry, folder / CONFIG)
    session = Session(registry, device)
    parts = session.parts(recipe)
    model = build_encoded(recipe, session.encoder(recipe), parts.sampler.frames, registry, record.seed)
    read_model(folder / WEIGHTS, model)
    return TrainedModel(model.to(session.fabric.device).eval(), recipe, record, session)


def warn_of_stale(folder: Path, record: RunRecord, registry: Registry) -> list[str]:
    """Warn where a run's numbers would be others today, and return the reasons."""
    reasons = stale_reasons(record, registry)
    for reason in reasons:
        warnings.warn(f"run {folder}: {reason} since it was computed", StaleRunWarning, stacklevel=4)
    return reasons

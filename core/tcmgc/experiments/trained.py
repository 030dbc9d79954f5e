"""A finished run as a model: texts and video files to scores."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.engine.encoded_model import EncodedModel, build_encoded
from tcmgc.engine.feature_tensors import join, text_of, text_tensors, video_of, video_tensors
from tcmgc.engine.score import score_features
from tcmgc.errors import DataError
from tcmgc.recipes.load import load_recipe
from tcmgc.runs.model_file import read_model
from tcmgc.runs.run_folder import CONFIG, WEIGHTS, read_run
from tcmgc.runs.stale import stale_reasons

from .session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.recipes.load import Recipe
    from tcmgc.registry import Registry
    from tcmgc.runs.record import RunRecord
    from tcmgc.scores import Scores

TEXTS, VIDEOS = 256, 16
"""Texts and videos that are encoded at a time."""


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

    def split(self, name: SplitName) -> Split:
        """Return a split of the run's data set: clips and captions."""
        return self._session.split(self.recipe, name)

    def similarity(self, texts: Sequence[str], videos: Sequence[str | Path]) -> torch.Tensor:
        """Return what ranks, [T, V] on the CPU.

        Parameters
        ----------
        texts
            T sentences.
        videos
            V paths of video files.

        Raises
        ------
        DataError
            When there are none, or a video cannot be read.
        """
        return self.scores(texts, videos).total

    def scores(self, texts: Sequence[str], videos: Sequence[str | Path]) -> Scores:
        """Return the total and the granularities' parts, [T, V] each on the CPU."""
        return score_features(self.model, self.encode_texts(texts), self.encode_videos(videos))

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """Encode T sentences; the features are on the model's device."""
        if isinstance(texts, str) or not texts:
            raise DataError("texts", found=repr(texts), expected="a list of sentences")
        with torch.inference_mode(), self._session.fabric.autocast():
            return text_of(
                join(
                    [
                        text_tensors(self.model.encode_text(tokens.to(str(self.model.device))))
                        for rows in _chunks(len(texts), TEXTS)
                        for tokens in [self.model.encoder.tokenize(list(texts[rows]))]
                    ]
                )
            )

    def encode_videos(self, videos: Sequence[str | Path]) -> VideoFeatures:
        """Decode and encode V video files; the features are on the model's device."""
        if isinstance(videos, (str, Path)) or not videos:
            raise DataError("videos", found=repr(videos), expected="a list of paths")
        with torch.inference_mode(), self._session.fabric.autocast():
            return video_of(
                join(
                    [
                        video_tensors(self.model.encode_video(*self._decode(videos[rows])))
                        for rows in _chunks(len(videos), VIDEOS)
                    ]
                )
            )

    def _decode(self, videos: Sequence[str | Path]) -> tuple[torch.Tensor, torch.Tensor]:
        size, frames = self._decoding.image_size, self._decoding.sampler.frames
        pixels_VFSSC = np.zeros((len(videos), frames, size, size, 3), dtype=np.uint8)
        mask_VF = np.zeros((len(videos), frames), dtype=np.bool_)
        for row, path in enumerate(videos):
            found, _ = self._decoding(Clip(str(path), Path(path)))
            pixels_VFSSC[row, : len(found)] = found
            mask_VF[row, : len(found)] = True
        device = self.model.device
        return torch.from_numpy(pixels_VFSSC).to(device), torch.from_numpy(mask_VF).to(device)


def load_run(registry: Registry, folder: Path, *, device: str = "auto") -> TrainedModel:
    """Load a finished run; see `tcmgc.load`.

    Warns
    -----
    StaleRunWarning
        When source code that the run depends on changed since.
    """
    record = read_run(folder).record
    for reason in stale_reasons(record, registry):
        warnings.warn(f"run {folder}: {reason} since it was computed", StaleRunWarning, stacklevel=3)
    recipe = load_recipe(registry, folder / CONFIG)
    session = Session(registry, device)
    parts = session.parts(recipe)
    model = build_encoded(recipe, session.encoder(recipe), parts.sampler.frames, registry, record.seed)
    read_model(folder / WEIGHTS, model)
    return TrainedModel(model.to(session.fabric.device).eval(), recipe, record, session)


def _chunks(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))

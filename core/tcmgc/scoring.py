"""Scoring a file of features: what `tcmgc score` does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from . import __version__
from .app import current_registry
from .builder import build_model
from .errors import ConfigError, DataError
from .files.features_file import Features, load_features
from .files.tensors import write_tensors
from .files.weights_file import LoadedWeights, Names, load_weights
from .normalized_scores import normalized_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .features import TextFeatures, VideoFeatures
    from .model import RetrievalModel
    from .ranking import Direction
    from .recipes.load import Recipe
    from .scores import Scores
    from .slots.normalizer import Needs, Normalizer

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Job:
    """What to score, and how; the parameters are the options of ``tcmgc score``."""

    recipe: Recipe
    features: Path
    weights: Path | None = None
    names: Names = "auto"
    partial: bool = False
    dtype: Literal["float32", "float64"] = "float32"
    device: str = "auto"
    bank: Path | None = None
    direction: Direction = "t2v"
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What a job gave.

    Parameters
    ----------
    job
        The job.
    scores
        Of all pairs; after the normalizer where there is one.
    weights
        What loading the weights did, or None.
    unused
        Names of tensors in the features that mean nothing here.
    needs
        What the normalizer looks at; None where there is none.
    """

    job: Job
    scores: Scores
    weights: LoadedWeights | None
    unused: tuple[str, ...]
    needs: Needs | None = None

    def write(self, path: Path) -> None:
        """Write ``similarity`` and ``parts.<granularity>``, [T, V] each, at once or not at all."""
        recipe = self.job.recipe
        about = {"recipe": recipe.name, "variant": recipe.variant or ""}
        about["seed"] = "" if self.weights else str(self.job.seed)
        write_scores(path, self.scores, recipe, self.needs, self.job.direction, about)


def write_scores(
    path: Path,
    scores: Scores,
    recipe: Recipe,
    needs: Needs | None,
    direction: Direction,
    about: Mapping[str, str],
) -> None:
    """Write ``similarity`` and ``parts.<granularity>``, [T, V] each, at once or not at all.

    Parameters
    ----------
    path
        A safetensors file.
    scores
        What ranks.
    recipe
        As resolved: its digest and its normalizer go into the metadata.
    needs
        What the normalizer looks at; None where there is none.
    direction
        Which side asks, where there is a normalizer.
    about
        The rest of the metadata.
    """
    normalizer = recipe.config["normalizer"]
    metadata = {
        "schema_version": str(SCHEMA_VERSION),
        "tcmgc": __version__,
        **about,
        "recipe_sha256": recipe.digest,
        "normalizer": "" if normalizer is None else normalizer["name"],
        "normalizer_needs": needs or "",
        "direction": "" if normalizer is None else direction,
    }
    parts = {f"parts.{name}": part for name, part in scores.parts.items()}
    write_tensors(path, {"similarity": scores.total, **parts}, metadata)


def run(job: Job, progress: Callable[[int, int], None] | None = None) -> Result:
    """Score a file of features.

    Parameters
    ----------
    job
        What and how.
    progress
        Called with the pairs scored so far and in all.

    Raises
    ------
    TcmgcError
        When a file, the recipe at these sizes, or the device is wrong.
    """
    normalizer = _normalizer(job)
    device, dtype = _device(job.device), getattr(torch, job.dtype)
    features = load_features(job.features, dtype=dtype, device=device)
    model = build_model(job.recipe, current_registry(), features.sizes, seed=job.seed, dtype=dtype)
    text, video = features.require(model.inputs, job.features)
    loaded = (
        None
        if job.weights is None
        else load_weights(model, job.weights, names=job.names, partial=job.partial)
    )
    if features.logit_scale is not None:
        with torch.no_grad():
            model.logit_scale.fill_(math.log(features.logit_scale))
    model.to(device)
    scores = model.scores(text, video, progress=progress)
    if normalizer is not None:
        scores = _normalize(job, normalizer, model, features, scores)
    needs = None if normalizer is None else normalizer.needs
    return Result(job, scores, loaded, features.unused, needs)


def _normalizer(job: Job) -> Normalizer | None:
    config = job.recipe.config["normalizer"]
    if config is None:
        if job.bank is not None:
            raise ConfigError("--bank", found=str(job.bank), expected="a --normalizer that looks at a bank")
        return None
    normalizer: Normalizer = current_registry().create("normalizer", config, {})
    if (normalizer.needs == "bank") is not (job.bank is not None):
        raise ConfigError(
            f"normalizer {config['name']!r}",
            found="no --bank" if job.bank is None else "--bank",
            expected="--bank with features of training queries"
            if job.bank is None
            else "none: it needs no bank",
        )
    return normalizer


def _normalize(
    job: Job, normalizer: Normalizer, model: RetrievalModel, features: Features, scores: Scores
) -> Scores:
    bank = None if job.bank is None else _bank(job, job.bank, model, features)
    # Without gradients, as the scores: an aggregator may have weights.
    with torch.no_grad():
        return normalized_scores(normalizer, scores, bank, job.direction, model.scorer.aggregate)


def _bank(job: Job, path: Path, model: RetrievalModel, features: Features) -> Scores:
    """Score the bank's side against the candidates' side of the features."""
    own = load_features(path, dtype=model.logit_scale.dtype, device=str(model.logit_scale.device))
    asks = "texts" if job.direction == "t2v" else "videos"
    text, video = (own.text, features.video) if job.direction == "t2v" else (features.text, own.video)
    if text is None or video is None:
        raise DataError(f"bank {path}", found=f"no {asks}", expected=f"features of training {asks}")
    _refuse_other_sizes(path, text, video, features, model.inputs)
    present = Features(text, video, None, features.sizes, own.unused)
    return model.scores(*present.require(model.inputs, path))


def _refuse_other_sizes(
    path: Path, text: TextFeatures, video: VideoFeatures, features: Features, inputs: frozenset[str]
) -> None:
    sizes = features.sizes
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
        "frames": (video.frames.values.shape[1:], (sizes.max_frames, sizes.dim))
    }
    if text.words is not None:
        shapes["words"] = (text.words.values.shape[1:], (sizes.max_words, sizes.dim))
    if text.sentence is not None:
        shapes["sentence"] = (text.sentence.shape[1:], (sizes.dim,))
    if (patches := video.extra.get("patches")) is not None:
        shapes["patches"] = (patches.values.shape[1:], (sizes.max_patches, sizes.dim))
    for name, (found, expected) in shapes.items():
        if name in inputs and tuple(found) != expected:
            raise DataError(
                f"bank {path}: {name}", found=f"{list(found)} an item", expected=f"{list(expected)}"
            )


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(
            "--device",
            found=f"{name!r}: {str(error).splitlines()[0]}",
            expected="auto, cpu, or a device that is there",
        ) from None
    return name

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
from .files.scores_file import scores_file
from .files.tensors import write_tensors
from .files.weights_file import LoadedWeights, Names, load_weights
from .normalized_scores import normalized_scores
from .scores import Scores
from .several_devices import scores_on
from .sheet import in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .features import TextFeatures, VideoFeatures
    from .model import RetrievalModel
    from .ranking import Direction
    from .recipes.load import Recipe
    from .sheet import Allocate
    from .slots.normalizer import Needs, Normalizer
    from .tile_compiler import Policy
    from .view_use import Form

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
    form: Form = "factored"
    compile: Policy = "auto"

    def metadata(self, needs: Needs | None) -> dict[str, str]:
        """Say in a file of scores what they are; ``needs`` is what the normalizer looks at, or None."""
        about = {"recipe": self.recipe.name, "variant": self.recipe.variant or ""}
        about["seed"] = "" if self.weights else str(self.seed)
        return scores_metadata(self.recipe, needs, self.direction, about)


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
    compile_seconds
        Spent in compiling.
    """

    job: Job
    scores: Scores
    weights: LoadedWeights | None
    unused: tuple[str, ...]
    needs: Needs | None = None
    compile_seconds: float = 0.0


def scores_metadata(
    recipe: Recipe, needs: Needs | None, direction: Direction, about: Mapping[str, str]
) -> dict[str, str]:
    """Say in a file of scores what they are.

    Parameters
    ----------
    recipe
        As resolved: its digest and its normalizer go into the metadata.
    needs
        What the normalizer looks at; None where there is none.
    direction
        Which side asks, where there is a normalizer.
    about
        The rest.
    """
    normalizer = recipe.config["normalizer"]
    return {
        "schema_version": str(SCHEMA_VERSION),
        "tcmgc": __version__,
        **about,
        "recipe_sha256": recipe.digest,
        "normalizer": "" if normalizer is None else normalizer["name"],
        "normalizer_needs": needs or "",
        "direction": "" if normalizer is None else direction,
    }


def write_scores(path: Path, scores: Scores, metadata: Mapping[str, str]) -> None:
    """Write ``similarity`` and ``parts.<granularity>``, [T, V] each, at once or not at all."""
    parts = {f"parts.{name}": part for name, part in scores.parts.items()}
    write_tensors(path, {"similarity": scores.total, **parts}, metadata)


def run(
    job: Job,
    out: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    notify: Callable[[str], None] | None = None,
) -> Result:
    """Score a file of features into a file of scores, which is there when all is done, or not at all.

    Without a normalizer, which looks at all scores, none of them has to fit into memory.

    Parameters
    ----------
    job
        What and how.
    out
        The safetensors file: ``similarity`` and ``parts.<granularity>``, [T, V] each.
    progress
        Called with the pairs scored so far and in all.
    notify
        Called with a sentence before something that takes long.

    Raises
    ------
    TcmgcError
        When a file, the recipe at these sizes, or the device is wrong.
    """
    normalizer = _normalizer(job)
    devices, dtype = _devices(job.device), getattr(torch, job.dtype)
    features = load_features(job.features, dtype=dtype, device=devices[0])
    model = build_model(job.recipe, current_registry(), features.sizes, seed=job.seed, dtype=dtype)
    model.form = job.form
    text, video = features.require(model.inputs, job.features)
    loaded = (
        None
        if job.weights is None
        else load_weights(model, job.weights, names=job.names, partial=job.partial)
    )
    if features.logit_scale is not None:
        with torch.no_grad():
            model.logit_scale.fill_(math.log(features.logit_scale))
    model.to(devices[0])
    model.compilation.policy, model.compilation.notify = job.compile, notify
    needs = None if normalizer is None else normalizer.needs
    metadata = job.metadata(needs)
    if normalizer is None:
        with scores_file(out, metadata) as allocate:
            scores = _scores(devices, model, text, video, progress, allocate)
        seconds = model.compilation.seconds
    else:
        scores = _on(devices[0], _scores(devices, model, text, video, progress, None))
        seconds = model.compilation.seconds  # before a bank is scored
        scores = _normalize(job, normalizer, model, features, scores)
        write_scores(out, scores, metadata)
    return Result(job, scores, loaded, features.unused, needs, seconds)


def _on(device: str, scores: Scores) -> Scores:
    return Scores(scores.total.to(device), {name: part.to(device) for name, part in scores.parts.items()})


def _scores(
    devices: Sequence[str],
    model: RetrievalModel,
    text: TextFeatures,
    video: VideoFeatures,
    progress: Callable[[int, int], None] | None,
    allocate: Allocate | None,
) -> Scores:
    if len(devices) == 1:
        return model.scores(text, video, progress=progress, allocate=allocate or in_memory)
    return scores_on(devices, model, text, video, progress=progress, allocate=allocate)


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


def _devices(names: str) -> list[str]:
    """Read ``auto``, a device, or several with commas between."""
    if names == "auto":
        return ["cuda" if torch.cuda.is_available() else "cpu"]
    devices = [name.strip() for name in names.split(",")]
    for name in devices:
        try:
            torch.zeros(1, device=torch.device(name)).item()
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise ConfigError(
                "--device",
                found=f"{name!r}: {str(error).splitlines()[0]}",
                expected="auto, cpu, or devices that are there, as cuda:0,cuda:1",
            ) from None
    return devices

"""Which model an index was made with, and whether another one is the same."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tcmgc.errors import ConfigError, DataError
from tcmgc.experiments.trained import load_trained
from tcmgc.recipes.load import parse_overrides
from tcmgc.runs.identity import sources
from tcmgc.runs.model_folder import read_model_folder

from .about import ModelAbout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc.experiments.trained import TrainedModel
    from tcmgc.registry import Registry


OTHERWISE = ("dataset", "training", "losses", "trained")
"""Sections of a recipe that do not change how a text meets a video."""


class StaleIndexWarning(UserWarning):
    """Source code that an index depends on changed since it was made, or its lists are not of its videos."""


def load_model(
    registry: Registry, folder: Path, overrides: Sequence[str], device: str
) -> tuple[TrainedModel, ModelAbout]:
    """Load a model in float32, whatever the device, and say which one it is.

    Raises
    ------
    ConfigError
        When its recipe has a normalizer: what ranks would depend on other queries.
    DataError
        When the folder holds no model.
    """
    given = read_model_folder(folder)
    model = load_trained(
        registry, folder, device=device, precision="32-true", overrides=parse_overrides(overrides)
    )
    normalizer = model.recipe.config["normalizer"]
    if normalizer is not None:
        raise ConfigError(
            f"model {folder}",
            found=f"normalizer {normalizer['name']!r}, which looks at more than one query",
            expected="a recipe without one: an index answers queries one by one",
            hint="--set normalizer=null",
        )
    with given.weights.open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    about = ModelAbout(
        folder=str(folder.absolute()),
        recipe=given.recipe,
        variant=given.variant,
        overrides=tuple(text for text in overrides if not text.startswith("dataset")),
        recipe_sha256=_recipe_sha256(model.recipe.config),
        weights_sha256=weights,
        encoder=model.model.encoder.version,
        sources=sources(model.recipe.config, registry),
    )
    return model, about


def _recipe_sha256(config: Mapping[str, Any]) -> str:
    """SHA-256 of what a recipe says of encoding, decoding and scoring."""
    kept = {key: value for key, value in config.items() if key not in OTHERWISE}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def refuse_other_model(index: Path, of_index: ModelAbout, given: ModelAbout) -> None:
    """Refuse a model that is not the index's.

    Raises
    ------
    DataError
        When weights or recipe differ.
    """
    hint = "--model names the folder of the right model; or index the videos again into another folder"
    for what, theirs, ours in (
        ("weights", of_index.weights_sha256, given.weights_sha256),
        ("recipe", of_index.recipe_sha256, given.recipe_sha256),
    ):
        if theirs != ours:
            raise DataError(
                f"index {index}: model {given.folder}",
                found=f"{what} {ours[:12]}, of recipe {given.recipe}",
                expected=f"{what} {theirs[:12]}, of recipe {of_index.recipe}, which the index was made with",
                hint=hint,
            )


def changes_of_source(of_index: ModelAbout, given: ModelAbout) -> list[str]:
    """Say what computes otherwise today, as ``the source of the view attention changed``."""
    reasons = [
        f"the source of the {label} changed"
        for label, recorded in of_index.sources.items()
        if given.sources.get(label) not in (None, recorded)
    ]
    if of_index.encoder != given.encoder:
        reasons.append(f"the encoder is {given.encoder}, and was {of_index.encoder}")
    return reasons


def warn_of_changes(index: Path, of_index: ModelAbout, given: ModelAbout) -> None:
    """Warn where a text would meet videos that other code prepared.

    Warns
    -----
    StaleIndexWarning
        For every change.
    """
    for reason in changes_of_source(of_index, given):
        warnings.warn(f"index {index}: {reason} since it was made", StaleIndexWarning, stacklevel=3)


def model_folder(index: Path, of_index: ModelAbout, given: Path | None) -> Path:
    """Return the folder of an index's model: the given one, or the one where it was.

    Raises
    ------
    DataError
        When that is not there any more.
    """
    folder = Path(of_index.folder) if given is None else given
    if given is None and not folder.exists():
        raise DataError(
            f"index {index}: model {folder}",
            found="no such folder any more",
            expected=f"the model of recipe {of_index.recipe} that the index was made with",
            hint="--model DIR says where it is now",
        )
    return folder

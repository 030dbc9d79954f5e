"""Evaluating a run, or a checkpoint, without training it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tcmgc.engine.encoded_model import EncodedModel, build_encoded
from tcmgc.errors import ConfigError, DataError
from tcmgc.files.weights_file import load_weights
from tcmgc.recipes.draft import Draft
from tcmgc.recipes.load import finish
from tcmgc.runs.availability import bounds_of
from tcmgc.runs.dataset_title import dataset_title
from tcmgc.runs.environment import environment
from tcmgc.runs.fingerprint import clip_digests, fingerprint, restricted_fields
from tcmgc.runs.model_file import is_model_file, read_model
from tcmgc.runs.model_folder import read_model_folder
from tcmgc.runs.record import TestAccess
from tcmgc.runs.run_folder import WEIGHTS, change_record

from .experiment import evaluate_split
from .job import TEST, refuse_incomplete
from .listener import Listener, RunName, RunProgress
from .measured_cost import measured_cost
from .restriction import Restriction, read_ids, restrict
from .session import Session
from .trained import warn_of_stale

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.recipes.load import Recipe
    from tcmgc.recipes.overrides import Override
    from tcmgc.registry import Registry


class HeadOnlyWarning(UserWarning):
    """A checkpoint without the encoder: the one that the recipe names is used."""


class UnloggedWarning(UserWarning):
    """A reading of the test split is not in the run's record."""


@dataclass(frozen=True)
class Source:
    """What is evaluated.

    Parameters
    ----------
    path
        A folder with a model, or a safetensors file.
    recipe, variant
        Of a file.
    protocol
        In place of the run's or the recipe's.
    overrides
        Applied last.
    restrict_to
        Files with ids of clips: those that are in all of them are evaluated. None for all clips.
    """

    path: Path
    recipe: str | Path | None = None
    variant: str | None = None
    protocol: str | Path | None = None
    overrides: tuple[Override, ...] = ()
    restrict_to: tuple[Path, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()


def evaluate_source(
    registry: Registry,
    source: Source,
    split: SplitName,
    *,
    device: str = "auto",
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Evaluate; see `tcmgc.evaluate`."""
    recipe, own_data = _recipe(registry, source)
    folder = read_model_folder(source.path) if source.is_folder else None
    run = None if folder is None else folder.record
    stale = [] if run is None else warn_of_stale(source.path, run, registry)
    session = Session(registry, device, listener)
    refuse_incomplete(session, recipe, to_train=False)
    session.find_files(recipe)
    parts = session.parts(recipe)
    model = build_encoded(recipe, session.encoder(recipe), parts.sampler.frames, registry, 0)
    _load(source, model)
    fields = session.fingerprint_fields(recipe, split)
    restriction = _restriction(source, session.split(recipe, split))
    if restriction is not None:
        left = restriction.split
        fields = restricted_fields(fields, clip_digests(left), len(left.captions))
    if run is not None and split == TEST and own_data:
        _log_access(source)
    name = RunName(1, 1, recipe.name, 0)

    def advanced(progress: RunProgress) -> None:
        session.listener.advanced(name, progress)

    session.listener.planned([1.0])
    _, evaluation = evaluate_split(session, recipe, model, split, advanced, restriction=restriction)
    measures = registry.create_all("metric")
    return {
        "schema_version": 1,
        "source": source.path.name,
        "recipe": recipe.name if folder is None else folder.recipe,
        "protocol": recipe.protocol,
        "overrides": [override.text for override in source.overrides],
        "dataset": dataset_title(registry, recipe.config["dataset"]),
        "split": split,
        "metrics": evaluation.metrics,
        "bounds": {
            direction: bounds_of(fields, direction, ranking, measures)
            for direction, ranking in evaluation.rankings.items()
        },
        "fingerprint": fingerprint(fields),
        "fingerprint_fields": fields,
        "stale": stale,
        "cost": {
            "evaluate_seconds": evaluation.seconds,
            "microseconds_per_pair": evaluation.microseconds_per_pair,
            **measured_cost(model, evaluation),
        },
        "environment": environment(str(session.fabric.device), session.precision),
    }


def _recipe(registry: Registry, source: Source) -> tuple[Recipe, bool]:
    """Read what is evaluated; with whether that is on the data of the run, or of the recipe, itself."""
    if not source.path.exists():
        raise DataError(
            f"{source.path}",
            found="no such file or folder",
            expected="a folder with a model, or a checkpoint",
        )
    if source.is_folder:
        folder = read_model_folder(source.path)
        for option, value in (("--recipe", source.recipe), ("--variant", source.variant)):
            if value is not None:
                what = "a run" if folder.imported is None else "an imported checkpoint"
                raise ConfigError(
                    option,
                    found=f"{value!r} beside {what}, {source.path}",
                    expected=f"none: {what} has its own",
                )
        draft = Draft.read(registry, folder.config)
    elif source.recipe is None:
        raise ConfigError(
            f"checkpoint {source.path}",
            found="no recipe",
            expected="--recipe NAME: what the weights are of",
        )
    else:
        draft = Draft.read(registry, source.recipe, source.variant)
    own = draft.config()["dataset"]
    chosen = source.protocol or draft.own_protocol
    if chosen is not None:
        draft = draft.with_protocol(chosen)
    for override in source.overrides:
        draft = draft.override(override)
    recipe = finish(draft)
    return recipe, recipe.config["dataset"] == own


def _restriction(source: Source, split: Split) -> Restriction | None:
    """Find the clips that all lists name."""
    if not source.restrict_to:
        return None
    names = ", ".join(map(str, source.restrict_to))
    ids = frozenset.intersection(*map(read_ids, source.restrict_to))
    if not ids:
        raise DataError(f"lists of clips {names}", found="no clip that is in all of them")
    return restrict(split, ids, f"list of clips {names}")


def _load(source: Source, model: EncodedModel) -> None:
    path = source.path / WEIGHTS if source.is_folder else source.path
    if source.is_folder or is_model_file(path):
        read_model(path, model)
        return
    load_weights(model.head, path)
    warnings.warn(
        f"{path} has no weights named `encoder.*`: the encoder is used as the recipe starts it",
        HeadOnlyWarning,
        stacklevel=4,
    )


def _log_access(source: Source) -> None:
    """Write into a run's record, before it happens, that its test split is looked at again."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    restricted = [f"--restrict-to {path.name}" for path in source.restrict_to]
    reason = " ".join(["tcmgc evaluate", *(override.text for override in source.overrides), *restricted])
    try:
        change_record(source.path, {}, [TestAccess(time=now, reason=reason)])
    except OSError as error:  # the run may lie where nothing can be written
        warnings.warn(
            f"run {source.path}: that its test split is read cannot be written into its record "
            f"({error.strerror or error})",
            UnloggedWarning,
            stacklevel=4,
        )

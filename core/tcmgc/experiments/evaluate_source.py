"""Evaluating a run, or a checkpoint, without training it."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tcmgc.engine.encoded_model import EncodedModel, build_encoded
from tcmgc.errors import ConfigError, DataError
from tcmgc.files.weights_file import load_weights
from tcmgc.recipes.draft import Draft
from tcmgc.recipes.load import finish
from tcmgc.runs.environment import environment
from tcmgc.runs.fingerprint import display, fingerprint, fingerprint_fields
from tcmgc.runs.json_file import write_json
from tcmgc.runs.model_file import is_model_file, read_model
from tcmgc.runs.record import TestAccess
from tcmgc.runs.run_folder import CONFIG, RECORD, WEIGHTS, read_run

from .experiment import evaluate_split
from .job import TEST, refuse_incomplete
from .listener import Listener, RunName, RunProgress
from .session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc.recipes.load import Recipe
    from tcmgc.recipes.overrides import Override
    from tcmgc.registry import Registry


class HeadOnlyWarning(UserWarning):
    """A checkpoint without the encoder: the one that the recipe names is used."""


@dataclass(frozen=True)
class Source:
    """What is evaluated.

    Parameters
    ----------
    path
        A run's folder, or a safetensors file.
    recipe, variant
        Of a file.
    protocol
        In place of the run's or the recipe's.
    overrides
        Applied last.
    """

    path: Path
    recipe: str | Path | None = None
    variant: str | None = None
    protocol: str | Path | None = None
    overrides: tuple[Override, ...] = ()

    @property
    def is_run(self) -> bool:
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
    recipe = _recipe(registry, source)
    session = Session(registry, device, listener)
    refuse_incomplete(session, recipe, to_train=False)
    parts = session.parts(recipe)
    model = build_encoded(recipe, session.encoder(recipe), parts.sampler.frames, registry, 0)
    _load(source, model)
    fields = fingerprint_fields(
        recipe.config,
        registry,
        dataset=parts.dataset,
        split=session.split(recipe, split),
        reader=parts.reader,
        sampler=parts.sampler,
        encoder=parts.encoder,
        precision=session.precision,
    )
    if source.is_run and split == TEST:
        _log_access(source.path)
    name = RunName(1, 1, recipe.name, 0)

    def advanced(progress: RunProgress) -> None:
        session.listener.advanced(name, progress)

    session.listener.planned([1.0])
    _, evaluation = evaluate_split(session, recipe, model, split, advanced)
    return {
        "schema_version": 1,
        "source": source.path.name,
        "recipe": recipe.name if source.recipe is not None else read_run(source.path).record.recipe,
        "protocol": recipe.protocol,
        "overrides": [override.text for override in source.overrides],
        "dataset": display(registry, "dataset", recipe.config["dataset"]),
        "split": split,
        "metrics": evaluation.metrics,
        "fingerprint": fingerprint(fields),
        "fingerprint_fields": fields,
        "cost": {
            "evaluate_seconds": evaluation.seconds,
            "microseconds_per_pair": evaluation.microseconds_per_pair,
        },
        "environment": environment(str(session.fabric.device), session.precision),
    }


def _recipe(registry: Registry, source: Source) -> Recipe:
    if not source.path.exists():
        raise DataError(
            f"{source.path}", found="no such file or folder", expected="a run's folder, or a checkpoint"
        )
    if source.is_run:
        read_run(source.path)
        for option, value in (("--recipe", source.recipe), ("--variant", source.variant)):
            if value is not None:
                raise ConfigError(
                    option, found=f"{value!r} beside a run, {source.path}", expected="none: a run has its own"
                )
        draft = Draft.read(registry, source.path / CONFIG)
    elif source.recipe is None:
        raise ConfigError(
            f"checkpoint {source.path}",
            found="no recipe",
            expected="--recipe NAME: what the weights are of",
        )
    else:
        draft = Draft.read(registry, source.recipe, source.variant)
    chosen = source.protocol or draft.own_protocol
    if chosen is not None:
        draft = draft.with_protocol(chosen)
    for override in source.overrides:
        draft = draft.override(override)
    return finish(draft)


def _load(source: Source, model: EncodedModel) -> None:
    path = source.path / WEIGHTS if source.is_run else source.path
    if source.is_run or is_model_file(path):
        read_model(path, model)
        return
    load_weights(model.head, path)
    warnings.warn(
        f"{path} has no weights named `encoder.*`: the encoder is used as the recipe starts it",
        HeadOnlyWarning,
        stacklevel=4,
    )


def _log_access(folder: Path) -> None:
    """Write into a run's record that its test split is looked at again."""
    record = read_run(folder).record
    now = datetime.now(UTC).isoformat(timespec="seconds")
    access = TestAccess(time=now, reason="tcmgc evaluate")
    logged = record.model_copy(update={"test_access": (*record.test_access, access)})
    with suppress(OSError):  # the run may lie where nothing can be written
        write_json(folder / RECORD, logged.model_dump(mode="json"))

"""One run, from its config and seed to a finished folder."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tcmgc.engine.encoded_model import EncodedModel, build_encoded
from tcmgc.engine.history import new_history
from tcmgc.engine.peak_memory import PeakMemory
from tcmgc.engine.train import train
from tcmgc.files.disk import write_text, writing
from tcmgc.recipes.show import as_yaml
from tcmgc.runs.components import used_components
from tcmgc.runs.cost import parameter_counts
from tcmgc.runs.dataset_title import dataset_title
from tcmgc.runs.environment import environment
from tcmgc.runs.fingerprint import fingerprint
from tcmgc.runs.json_file import read_json, write_json
from tcmgc.runs.model_file import write_model
from tcmgc.runs.outranking_file import write_outranking
from tcmgc.runs.record import (
    Cost,
    IdentityParts,
    Metrics,
    Normalization,
    RunRecord,
    Selection,
    TestAccess,
)
from tcmgc.runs.run_folder import (
    CONFIG,
    HISTORY,
    OUTRANKING,
    RANKS,
    STARTED,
    TRAINING,
    WEIGHTS,
    FinishedRun,
    RunsFolder,
)
from tcmgc.slots.dataset import Noted

from .evaluate import Evaluation, evaluate
from .job import TEST, Job, training_settings
from .listener import RunProgress
from .measured_cost import measured_cost

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc.engine.progress import TrainingProgress
    from tcmgc.engine.train import Training
    from tcmgc.recipes.load import Recipe
    from tcmgc.slots.normalizer import Normalizer

    from .restriction import Restriction
    from .session import Session

TRAINING_SHARE = 0.9
"""Of a run's progress; the evaluation is the rest."""


def run_job(session: Session, job: Job, runs: RunsFolder, show: Callable[[RunProgress], None]) -> FinishedRun:
    """Train, evaluate and record one run; goes on where an earlier process left it.

    Parameters
    ----------
    session
        Data, frames and encoders.
    job
        The run.
    runs
        Where it goes.
    show
        Is told how far it is.
    """
    if (left := runs.left_complete(job.identity)) is not None:
        return runs.complete(left)
    work = runs.work(job.identity)
    recipe, config = job.row.recipe, job.row.recipe.config
    start = _start(work, job)
    memory = PeakMemory(session.fabric.device)
    encoder = session.encoder(recipe)
    dataset, frames = session.parts(recipe).dataset, session.parts(recipe).sampler.frames
    model = build_encoded(recipe, encoder, frames, session.registry, job.seed)
    counts = parameter_counts(model, trained=config["trained"])
    training = _train(session, job, model, work / TRAINING, show) if config["trained"] else None
    # Only now, with the weights chosen, is the test split's content looked at. It is written down before,
    # so that a run that is killed afterwards, and goes on, has both readings in its record.
    accesses = _log_access(work, start)
    normalizer, evaluation = evaluate_split(
        session, recipe, model, TEST, show, TRAINING_SHARE if config["trained"] else 0.0
    )
    with writing("run", work):
        write_model(work / WEIGHTS, model)
        write_json(work / HISTORY, new_history() if training is None else training.history)
        write_json(work / RANKS, evaluation.ranks)
        write_outranking(work / OUTRANKING, evaluation.digests, evaluation.outranking)
        write_text(work / CONFIG, as_yaml(recipe) + "\n")
    peaks = [memory.bytes(), None if training is None else training.peak_memory_bytes]
    scoring: dict[str, Any] = measured_cost(model, evaluation)
    record = RunRecord(
        label=job.row.label,
        recipe=recipe.name,
        variant=recipe.variant,
        overrides=job.row.overrides,
        seed=job.seed,
        trained=config["trained"],
        identity=job.identity,
        identity_parts=IdentityParts(**job.parts),
        protocol=recipe.protocol,
        fingerprint=fingerprint(job.fields),
        fingerprint_fields=job.fields,
        dataset=dataset_title(session.registry, config["dataset"]),
        split=TEST,
        metrics={"t2v": Metrics(**evaluation.metrics["t2v"]), "v2t": Metrics(**evaluation.metrics["v2t"])},
        selection=None if training is None else Selection.model_validate(training.selection),
        test_access=accesses,
        cost=Cost(
            train_seconds=None if training is None else training.seconds,
            evaluate_seconds=evaluation.seconds,
            **counts,
            microseconds_per_pair=evaluation.microseconds_per_pair,
            **scoring,
            peak_memory_bytes=max((peak for peak in peaks if peak is not None), default=None),
        ),
        environment=environment(str(session.fabric.device), session.precision),
        components={
            label: entry.location for label, entry in used_components(config, session.registry).items()
        },
        text_conditioned=is_text_conditioned(model),
        normalizer=None
        if normalizer is None
        else Normalization(name=config["normalizer"]["name"], needs=normalizer.needs),
        notes=tuple(dataset.notes) if isinstance(dataset, Noted) else (),
        started=start["started"],
        finished=_now(),
    )
    with writing("run", work):
        return runs.finish(record)


def evaluate_split(
    session: Session,
    recipe: Recipe,
    model: EncodedModel,
    split: SplitName,
    show: Callable[[RunProgress], None],
    before: float = 0.0,
    restriction: Restriction | None = None,
) -> tuple[Normalizer | None, Evaluation]:
    """Evaluate a model on a split of a recipe's data set.

    Parameters
    ----------
    session
        Data and frames.
    recipe
        With its protocol.
    model
        Built from it.
    split
        Which.
    show
        Is told how far it is, from the share ``before`` on.
    restriction
        The clips to evaluate on; None for all.
    """
    config = recipe.config["normalizer"]
    normalizer = None if config is None else session.registry.create("normalizer", config, {})
    evaluation = evaluate(
        session.fabric,
        model,
        session.frames(recipe, split),
        session.registry.create_all("metric"),
        restriction=restriction,
        normalizer=normalizer,
        bank=lambda: session.frames(recipe, "train"),
        progress=lambda done, total: show(RunProgress(before + (1 - before) * done / total, "evaluating")),
    )
    return normalizer, evaluation


def is_text_conditioned(model: EncodedModel) -> bool:
    """Whether a video's vectors depend on the text, so that no index of videos can be made beforehand."""
    return bool(getattr(model.head.scorer, "text_conditioned", True))


def _train(
    session: Session, job: Job, model: EncodedModel, folder: Path, show: Callable[[RunProgress], None]
) -> Training:
    recipe = job.row.recipe

    def advanced(message: TrainingProgress) -> None:
        # Encoding for a frozen encoder comes first; it is counted as the start of the first epoch.
        share = message.step / message.steps
        share = share / message.epochs if message.activity == "encoding" else share
        show(
            RunProgress(
                TRAINING_SHARE * share,
                message.activity,
                message.epoch,
                message.epochs,
                message.loss,
                message.val,
            )
        )

    return train(
        session.fabric,
        model,
        session.frames(recipe, "train", to_train=True),
        session.frames(recipe, "val"),
        training_settings(session, recipe),
        sampler=session.random_sampler(recipe),
        seed=job.seed,
        folder=folder,
        progress=advanced,
    )


def _start(work: Path, job: Job) -> dict[str, Any]:
    """Return what is known since the run was first started; what lies there without that is of no use."""
    path = work / STARTED
    with writing("run", work):
        if not path.exists():
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            write_json(path, {"schema_version": 1, "started": _now(), "test_access": []})
        start: dict[str, Any] = read_json(path, "run in work")
        # Under the names of today: they say which work is never gone on with.
        start |= {"label": job.row.label, "seed": job.seed}
        write_json(path, start)
    return start


def _log_access(work: Path, start: dict[str, Any]) -> tuple[TestAccess, ...]:
    """Write down that the test split is read, and return all its readings by this run."""
    again = start.setdefault("test_access", [])
    reason = "evaluation of the selected weights"
    access = TestAccess(time=_now(), reason=f"{reason}, after an interruption" if again else reason)
    again.append(access.model_dump(mode="json"))
    with writing("run", work):
        write_json(work / STARTED, start)
    return tuple(TestAccess.model_validate(entry) for entry in again)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

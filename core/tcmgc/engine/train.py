"""Training a model on the frames and captions of a data set."""

from __future__ import annotations

import math
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError

from .batches import BatchOrder
from .checkpoint import Checkpoint, Standing
from .fabric import precision_of, refuse_several
from .frame_draws import FrameDraws
from .history import EpochRecord, History, Means, Selection, StepRecord, new_history
from .peak_memory import PeakMemory
from .progress import TrainingProgress
from .random_state import derive, seeded
from .score import score_features
from .sources import CachedFeatures, EncodedFrames, Source
from .updates import Updates
from .validation import Validation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lightning_fabric import Fabric

    from tcmgc.data.frames import SplitFrames
    from tcmgc.slots.metric import Metric
    from tcmgc.slots.sampler import RandomSampler

    from .encoded_model import EncodedModel
    from .progress import ShowTraining
    from .settings import TrainingSettings


@dataclass(frozen=True)
class Training:
    """What a training leaves besides the weights.

    Parameters
    ----------
    history
        Every epoch and every step.
    selection
        The epoch whose weights the model has now.
    seconds
        Of all epochs, those before an interruption included.
    peak_memory_bytes
        See `tcmgc.engine.peak_memory.PeakMemory`; None where it is not known.
    """

    history: History
    selection: Selection
    seconds: float
    peak_memory_bytes: int | None


def train(
    fabric: Fabric,
    model: EncodedModel,
    train: SplitFrames,
    val: SplitFrames,
    settings: TrainingSettings,
    *,
    seed: int,
    folder: Path,
    progress: ShowTraining | None = None,
    measures: Mapping[str, Metric] | None = None,
    sampler: RandomSampler | None = None,
    workers: int | None = None,
) -> Training:
    """Train a model, and leave the weights of its best epoch in it.

    On the CPU, the same seed, machine and number of threads give the same weights to the last bit,
    whether or not the training was interrupted. All randomness is of the seed and the epoch; the
    process's own random state is left as it was.

    Parameters
    ----------
    fabric
        From `tcmgc.engine.fabric.make_fabric`.
    model
        Is moved to the device; in evaluation mode afterwards.
    train, val
        Frames and captions. Every clip of ``train`` is seen once an epoch with one of its captions.
    settings
        How.
    seed
        Of order, captions, dropout and losses that draw; not of the initial weights.
    folder
        Where the state after every epoch is kept; a training that was interrupted, by any signal, goes
        on from the last finished one.
    progress
        Called after every step and every epoch.
    measures
        The metrics of validation, by name; those of the process's plugins when left out.
    sampler
        Draws the frames of every epoch, among the candidates that ``train`` then holds; None where ``train``
        holds the frames that are shown. A frozen encoder encodes what is drawn anew.
    workers
        Threads that gather frames ahead of the step; None for as many as suit the device. The batches are the
        same with any number.

    Raises
    ------
    ConfigError, DataError, PluginError
        When settings, model and data do not fit together, or ``folder`` is of another training.
    TrainingDiverged
        When a loss or a gradient is not finite.
    """
    refuse_several(fabric.world_size)
    if not model.head.losses:
        raise ConfigError("losses", found="none", expected="at least one, as {infonce: 1.0}")
    if measures is None:
        measures = current_registry().create_all("metric")
    selection = settings.selection_metric, settings.selection_direction
    validation = Validation(val.split, measures, *selection)
    model.to(fabric.device)
    model.head.score_memory = None if settings.score_memory is None else settings.score_memory * 2**20
    draws = None if sampler is None else FrameDraws(sampler, train, seed)
    trainer = _Trainer(
        fabric, model, train, val, settings, validation, seed, folder, progress, draws, workers
    )
    return trainer.run()


class _Trainer:
    def __init__(
        self,
        fabric: Fabric,
        model: EncodedModel,
        train: SplitFrames,
        val: SplitFrames,
        settings: TrainingSettings,
        validation: Validation,
        seed: int,
        folder: Path,
        progress: ShowTraining | None,
        draws: FrameDraws | None,
        workers: int | None,
    ) -> None:
        self._fabric, self._model, self._settings = fabric, model, settings
        self._validation, self._seed, self._progress = validation, seed, progress
        self._peak = PeakMemory(fabric.device)
        self._order = BatchOrder(
            train.split, settings.batch_size, seed, hard_negatives=settings.hard_negatives
        )
        self._steps = len(self._order) * settings.epochs
        self._updates = Updates(fabric, model, settings, self._steps)
        self._checkpoint = Checkpoint(folder, model, self._updates.optimizer)
        self._source = self._make_source(train, val, draws, workers)
        self._standing = Standing(self._about(train, val), 0, new_history(), None)

    def _make_source(
        self, train: SplitFrames, val: SplitFrames, draws: FrameDraws | None, workers: int | None
    ) -> Source:
        if not self._model.encoder.frozen or draws is not None:
            return EncodedFrames(self._fabric, self._model, train, val, draws=draws, workers=workers)

        def show(done: int, total: int) -> None:
            self._show(TrainingProgress(1, self._settings.epochs, done, total, activity="encoding"))

        return CachedFeatures(self._fabric, self._model, train, val, show)

    def _about(self, train: SplitFrames, val: SplitFrames) -> dict[str, Any]:
        """Say what has to be the same for a training to go on."""
        settings = self._settings
        named = ("epochs", "batch_size", "hard_negatives", "learning_rate", "encoder_learning_rate")
        return {
            **{name: getattr(settings, name) for name in (*named, "gradient_clip", "score_memory")},
            "optimizer": _described(settings.optimizer),
            "schedule": _described(settings.schedule),
            "selection": f"{settings.selection_metric} {settings.selection_direction}",
            "seed": self._seed,
            "encoder": self._model.encoder.weights_sha256,
            "recipe": self._model.head.recipe.digest,
            "precision": precision_of(self._fabric),
            "train": f"{len(train.split.clips)} clips and {len(train.split.captions)} captions",
            "val": f"{len(val.split.clips)} clips and {len(val.split.captions)} captions",
        }

    def run(self) -> Training:
        """Train the epochs that are left."""
        self._standing = self._checkpoint.restore(self._standing.about) or self._standing
        for epoch in range(self._standing.epoch + 1, self._settings.epochs + 1):
            self._epoch(epoch)
        selection, history = self._standing.selection, self._standing.history
        assert selection is not None, "there is at least one epoch, and the first is selected"
        self._checkpoint.restore_best(selection)
        self._model.eval()
        seconds = sum(record["seconds"] for record in history["epochs"])
        return Training(history, selection, seconds, self._standing.peak_memory_bytes)

    def _epoch(self, epoch: int) -> None:
        started = time.perf_counter()
        standing, means = self._standing, Means()
        first = (epoch - 1) * len(self._order)
        loss = math.nan
        batches = self._source.epoch(epoch, self._order.epoch(epoch))
        with seeded(derive(self._seed, "epoch", epoch), self._fabric.device) as generator, closing(batches):
            self._model.train()
            if self._model.encoder.frozen:
                self._model.encoder.eval()  # type: ignore[attr-defined]  # a module: see EncodedModel
            for step, features in enumerate(batches, start=first + 1):
                loss, terms = self._updates.step(features, generator, epoch=epoch, step=step)
                means.add(loss, terms)
                standing.history["steps"].append(StepRecord(step=step, loss=loss))
                self._show(TrainingProgress(epoch, self._settings.epochs, step, self._steps, loss))
        self._model.eval()
        val = self._validation.measure(score_features(self._model, *self._source.validation()).total)
        value = self._validation.value(val)
        standing.history["epochs"].append(
            EpochRecord(
                epoch=epoch,
                loss=means.loss,
                terms=means.terms,
                learning_rates=self._updates.learning_rates,
                logit_scale=self._model.head.logit_scale.exp().item(),
                val=val,
                seconds=round(time.perf_counter() - started, 3),
            )
        )
        standing.selection = self._validation.select(standing.selection, epoch, value)
        standing.epoch = epoch
        peak = (standing.peak_memory_bytes, self._peak.bytes())
        standing.peak_memory_bytes = max((size for size in peak if size is not None), default=None)
        self._checkpoint.save(standing)
        done = epoch * len(self._order)
        self._show(TrainingProgress(epoch, self._settings.epochs, done, self._steps, loss, value))

    def _show(self, message: TrainingProgress) -> None:
        if self._progress is not None:
            self._progress(message)


def _described(component: object) -> str:
    """Name a component with its plain attributes; others may print differently every time."""
    attributes = getattr(component, "__dict__", {})
    plain = {
        n: value for n, value in attributes.items() if isinstance(value, int | float | str | tuple | list)
    }
    return f"{type(component).__qualname__} {plain}"

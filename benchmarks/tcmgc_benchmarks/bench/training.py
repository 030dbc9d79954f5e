"""A training step behind the encoders: time and memory, all vectors made against the factored form."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn.utils import clip_grad_norm_

import tcmgc
from tcmgc.api import read_recipe
from tcmgc.score_tiles import kept_bytes

from .gallery import Gallery
from .peak import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcmgc import RetrievalModel
    from tcmgc.view_use import Form

COEFFICIENTS = "coefficient-dropout"
"""The variant in which a recipe with dropout is trained factored."""
PROBE = 4
"""A batch this many times smaller is tried first, to tell whether the whole one fits."""
MOST = 0.8
"""The share of the memory that is left which a step may take."""


@dataclass(frozen=True)
class Way:
    """One way of training.

    Parameters
    ----------
    recipe, variant, overrides
        The model; its stages are left out.
    form
        ``dense`` or ``factored``.
    tiles
        Whether ``training.score_memory`` is as it is by default, or without limit.
    """

    recipe: str
    variant: str | None
    overrides: tuple[str, ...]
    form: Form
    tiles: bool

    @property
    def dropout(self) -> str:
        """What the view drops."""
        if self.overrides:
            return "none"
        return "coefficients" if self.variant == COEFFICIENTS else "as released"


@dataclass(frozen=True)
class Step:
    """What a step costs.

    Parameters
    ----------
    way, batch
        Of what.
    seconds
        Of every round; empty where it was not run, for want of memory or of time.
    processor_seconds
        The same, of this process on all its threads: what is left of it where a machine has other work, too.
    peak_bytes
        Of tensors at the worst moment, beside features, weights, and the optimizer's state; None where it is
        not known, as of tiles that were not run.
    source
        Of both: ``measured``; ``computed`` from a smaller batch, with the square of their ratio.
    """

    way: Way
    batch: int
    seconds: tuple[float, ...]
    processor_seconds: tuple[float, ...]
    peak_bytes: int | None
    source: Literal["measured", "computed"]

    @property
    def medians(self) -> tuple[float, float] | None:
        """Seconds, and seconds of the processor."""
        return (median(self.seconds), median(self.processor_seconds)) if self.seconds else None


def ways(recipe: str) -> list[Way]:
    """List the ways of training a recipe; one without text-conditioned vectors has no forms to compare."""
    config = read_recipe(recipe).config
    conditioned = [name for name, view in config["views"].items() if view["query"] and not view["share"]]
    found: list[tuple[str | None, tuple[str, ...], Form]] = [(None, (), "dense")]
    if conditioned:
        none = tuple(f"views.{name}.dropout=0" for name in conditioned)
        found += [(None, none, "dense"), (None, none, "factored")]
    if COEFFICIENTS in config["variants"]:
        found.append((COEFFICIENTS, (), "factored"))
    return [Way(recipe, *each, tiles) for each in found for tiles in (False, True)]


def measure_training(
    recipes: tuple[str, ...],
    batches: tuple[int, ...],
    gallery: Gallery,
    device: str,
    rounds: int,
    longest: float,
) -> Iterator[Step]:
    """Measure every way of every recipe at every batch; tiles only where a batch needs them.

    Parameters
    ----------
    recipes
        Names.
    batches
        Texts and videos a step.
    gallery
        For words, frames and width.
    device
        ``cpu`` or ``cuda``.
    rounds
        Steps that are timed, after one that is not.
    longest
        Seconds: a step that would take longer, computed from a smaller batch, is not run.
    """
    for batch in batches:
        for recipe in recipes:
            for way in ways(recipe):
                probe = _Training(way, max(2, batch // PROBE), gallery, device)
                if not way.tiles or probe.tiled_at(batch):
                    yield _measured(way, batch, probe, gallery, rounds, longest)


def _measured(way: Way, batch: int, probe: _Training, gallery: Gallery, rounds: int, longest: float) -> Step:
    probe.step()  # the optimizer makes its state
    larger = (batch / probe.batch) ** 2
    seconds, needed = probe.seconds()[0] * larger, int(probe.peak_bytes() * larger)
    fits = way.tiles or needed < MOST * _left(probe.device)
    if not fits or seconds > longest:
        return Step(way, batch, (), (), None if way.tiles else needed, "computed")
    training = _Training(way, batch, gallery, probe.device)
    training.step()
    taken = [training.seconds() for _ in range(rounds)]
    walls, processors = tuple(wall for wall, _ in taken), tuple(processor for _, processor in taken)
    return Step(way, batch, walls, processors, training.peak_bytes(), "measured")


def _left(device: str) -> int:
    """Say how many bytes of memory nobody uses."""
    if device != "cpu":
        return torch.cuda.mem_get_info()[0]
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


class _Training:
    """A model in training, with features, gradients' norm limit and an optimizer."""

    def __init__(self, way: Way, batch: int, gallery: Gallery, device: str) -> None:
        self.batch, self.device = batch, device
        shape = Gallery(batch, batch, gallery.words, gallery.frames, gallery.dim)
        self._features = shape.features(torch.float32, device)
        self._model = _build(way, shape).to(device).train()
        self._parameters = list(self._model.parameters())
        self._optimizer = torch.optim.AdamW(self._parameters, lr=1e-4)

    def step(self) -> list[torch.Tensor]:
        """Loss, gradients, their norm, update."""
        loss = self._model.loss(*self._features).total
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        return [torch.tensor(loss.item())]

    def seconds(self) -> tuple[float, float]:
        """Time one step: by the clock, and of the processor."""
        started, worked = time.perf_counter(), time.process_time()
        self.step()
        return time.perf_counter() - started, time.process_time() - worked

    def tiled_at(self, batch: int) -> bool:
        """Whether the scores of such a batch are made in tiles."""
        model = self._model
        kept = kept_bytes(model.scorer, model.logit_scale, batch, batch)
        return model.score_memory is not None and kept > model.score_memory

    def peak_bytes(self) -> int:
        """Measure one more step, gradients included."""
        self._optimizer.zero_grad(set_to_none=True)
        return peak_bytes(self.step, self.device)


def _build(way: Way, gallery: Gallery) -> RetrievalModel:
    overrides = [*way.overrides, "stages.video=[]"]
    model = tcmgc.build(way.recipe, gallery.sizes, variant=way.variant, overrides=overrides)
    model.form = way.form
    if not way.tiles:
        model.score_memory = None
    return model

"""TC-MGC's scoring beside the published formulation and X-CLIP: time, memory and differences."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

import torch

import tcmgc

from .peak import peak_bytes
from .published import BLOCK, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tcmgc import RetrievalModel, Scores

    from .gallery import Gallery

PUBLISHED, DENSE = "published", "tcmgc --form dense"
FACTORED, XCLIP = "tcmgc", "xclip"
COMPILED = " --compile"
"""Behind a name: its tiles are compiled."""


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Parameters
    ----------
    gallery
        The shapes.
    keep_rate
        Of TC-MGC's reorganizers.
    rounds
        Alternating runs of everything, after one that is not counted.
    blocks
        64 x 64 blocks of the published formulation, and of the dense form, a round; a pair costs the same
        in each.
    device
        ``cpu`` or ``cuda``.
    """

    gallery: Gallery
    keep_rate: float = 0.1
    rounds: int = 5
    blocks: int = 4
    device: str = "cpu"


@dataclass(frozen=True)
class Cost:
    """What one way of scoring costs.

    Parameters
    ----------
    microseconds
        A pair, the median over rounds.
    seconds
        Of each round.
    pairs
        That a round scores.
    peak_bytes
        Beside features, weights and scores, at the worst moment.
    difference
        The largest from the published formulation, and its largest logit; None for another method.
    compile_seconds
        Spent in compiling, in no round; None where nothing is compiled.
    """

    microseconds: float
    seconds: tuple[float, ...]
    pairs: int
    peak_bytes: int
    difference: tuple[float, float] | None
    compile_seconds: float | None = None


def measure_scoring(setting: Setting) -> dict[str, Cost]:
    """Time every way on the CPU in alternating runs, then measure its memory, then compare scores.

    Parameters
    ----------
    setting
        What.

    Returns
    -------
    dict
        Costs of `PUBLISHED`, `DENSE`, `FACTORED` and `XCLIP`, and of the last two compiled.
    """
    runs = _Runs(setting)
    seconds: dict[str, list[float]] = {name: [] for name in runs.ways}
    for turn in range(setting.rounds + 1):
        for name, (run, _) in runs.ways.items():
            started = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    peaks = runs.peaks()
    reference = runs.published_block()
    costs = {}
    for name, (_, pairs) in runs.ways.items():
        microseconds = median(seconds[name]) / pairs * 1e6
        costs[name] = Cost(
            microseconds,
            tuple(seconds[name]),
            pairs,
            peaks[name],
            runs.difference(name, reference),
            runs.compile_seconds.get(name),
        )
    return costs


def ratio(costs: Mapping[str, Cost], one: str, other: str) -> float:
    """Say how many times ``other`` the pair of ``one`` costs: the median of the ratios within each round."""
    rounds = zip(costs[one].seconds, costs[other].seconds, strict=True)
    return median(a / b for a, b in rounds) * costs[other].pairs / costs[one].pairs


class _Runs:
    """The ways of scoring, on the same features."""

    def __init__(self, setting: Setting) -> None:
        gallery = setting.gallery
        self.text, self.video = gallery.features(torch.float32, "cpu")
        keep: dict[str, Any] = {
            "granularities.*.reorganizer.keep_rate": setting.keep_rate,
            "stages.video": [],
        }
        plain: dict[str, Any] = {"stages.video": []}
        self.models: dict[str, RetrievalModel] = {
            name: tcmgc.build(recipe, gallery.sizes, overrides=overrides)
            for name, recipe, overrides in [
                (DENSE, "tcmgc", keep),
                (FACTORED, "tcmgc", keep),
                (FACTORED + COMPILED, "tcmgc", keep),
                (XCLIP, "xclip", plain),
                (XCLIP + COMPILED, "xclip", plain),
            ]
        }
        self.compile_seconds: dict[str, float] = {}
        for name, model in self.models.items():
            model.compilation.policy = "always" if name.endswith(COMPILED) else "never"
        self.models[DENSE].form = "dense"
        self.published = Published(self.models[FACTORED])
        blocks = [
            (slice(t, t + BLOCK), slice(v, v + BLOCK))
            for t in range(0, gallery.texts, BLOCK)
            for v in range(0, gallery.videos, BLOCK)
        ]
        self.blocks = blocks[: setting.blocks]
        whole, some = gallery.texts * gallery.videos, sum(self._pairs(*block) for block in self.blocks)
        self.ways: dict[str, tuple[Callable[[], Iterable[torch.Tensor]], int]] = {
            PUBLISHED: (
                lambda: [self.published.block(self.text[t], self.video[v]) for t, v in self.blocks],
                some,
            ),
            DENSE: (lambda: _tensors([self._scores(DENSE, t, v) for t, v in self.blocks]), some),
            **{
                name: (partial(self._whole, name), whole)
                for name in (FACTORED, FACTORED + COMPILED, XCLIP, XCLIP + COMPILED)
            },
        }

    def _pairs(self, rows: slice, columns: slice) -> int:
        return len(self.text[rows]) * len(self.video[columns])

    def _whole(self, name: str) -> list[torch.Tensor]:
        scores, compilation = self._scores(name), self.models[name].compilation
        if compilation.policy == "always":
            self.compile_seconds.setdefault(name, compilation.seconds)
        return _tensors([scores])

    def _scores(self, name: str, rows: slice = slice(None), columns: slice = slice(None)) -> Scores:
        return self.models[name].scores(self.text[rows], self.video[columns])

    def peaks(self) -> dict[str, int]:
        """Measure with one thread, and add what every further one would hold: a tile."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            peaks = {name: peak_bytes(run, "cpu") for name, (run, _) in self.ways.items()}
        finally:
            torch.set_num_threads(threads)
        for name in (FACTORED, FACTORED + COMPILED, XCLIP, XCLIP + COMPILED):
            state = self.models[name].scorer.prepare_video(self.video)
            gallery = sum(tensor.nbytes for tensor in state.values())
            peaks[name] += (threads - 1) * max(0, peaks[name] - gallery)
        return peaks

    def published_block(self) -> torch.Tensor:
        return self.published.block(*self._first())

    def difference(self, name: str, reference: torch.Tensor) -> tuple[float, float] | None:
        if name.startswith(XCLIP):
            return None
        if name == PUBLISHED:
            return 0.0, reference.abs().max().item()
        found = self.models[name].similarity(*self._first())
        return (found - reference).abs().max().item(), reference.abs().max().item()

    def _first(self) -> tuple[tcmgc.TextFeatures, tcmgc.VideoFeatures]:
        rows, columns = self.blocks[0]
        return self.text[rows], self.video[columns]


def _tensors(scores: Iterable[Scores]) -> list[torch.Tensor]:
    return [tensor for each in scores for tensor in (each.total, *each.parts.values())]

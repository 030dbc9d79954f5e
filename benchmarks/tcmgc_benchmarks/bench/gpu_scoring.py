"""TC-MGC's scoring on a GPU: published, by PyTorch, by the kernel, beside X-CLIP, with TF32 and without.

Every way is timed under both settings of ``torch.backends.cuda.matmul.allow_tf32``, in alternating runs, and
its scores are compared with those of float64. The floor is the time of the matrix products of the factored
form alone, in tiles of its size.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import torch

import tcmgc
from tcmgc.app import current_registry
from tcmgc.granular import GranularScorer
from tcmgc.tiles import BUDGET, Tiling

from .published import BLOCK, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tcmgc import RetrievalModel

    from .scoring import Setting

PUBLISHED, PYTORCH, KERNEL, BF16, XCLIP, FLOOR = (
    "published",
    "tcmgc, PyTorch",
    "tcmgc, kernel",
    "tcmgc, kernel, bfloat16 inputs",
    "xclip",
    "floor: products alone",
)
TRITON = "triton-attention"
"""The kernel's name."""
TF32 = ("off", "on")


@dataclass(frozen=True)
class Accuracy:
    """How scores differ from those of float64.

    Parameters
    ----------
    difference
        The largest.
    logit
        The largest of float64's.
    beyond
        Scores that differ by more than 1e-4 + 1e-5 of their size.
    ranks
        Texts whose own video, of the same number, has another rank.
    firsts
        Texts whose first video is another one.
    texts
        Of how many.
    """

    difference: float
    logit: float
    beyond: int
    ranks: int
    firsts: int
    texts: int


@dataclass
class GpuCost:
    """What one way costs under one setting of TF32.

    Parameters
    ----------
    first
        Seconds of the first run, with compilation where there is any.
    seconds
        Of each round after it, for ``pairs`` pairs.
    pairs
        That a round scores.
    peak_bytes
        Beside what was there before, at the worst moment.
    accuracy
        None of what gives no scores of this method.
    """

    first: float
    pairs: int
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int | None = None
    accuracy: Accuracy | None = None

    @property
    def microseconds(self) -> float:
        """A pair, the median over rounds."""
        return median(self.seconds) / self.pairs * 1e6


@dataclass(frozen=True)
class GpuCosts:
    """All that was measured.

    Parameters
    ----------
    costs
        By way and TF32 setting.
    refusals
        Why the kernel does not score a view, by view; empty where it scores all.
    floor_flops
        Floating-point operations a pair of the products alone.
    """

    costs: dict[tuple[str, str], GpuCost]
    refusals: dict[str, str]
    floor_flops: int

    def ratio(self, one: tuple[str, str], other: tuple[str, str]) -> float:
        """Say how many times ``other`` the pair of ``one`` costs: the median of the ratios within rounds."""
        a, b = self.costs[one], self.costs[other]
        rounds = zip(a.seconds, b.seconds, strict=True)
        return median(x / y for x, y in rounds) * b.pairs / a.pairs


def measure_gpu_scoring(setting: Setting) -> GpuCosts:
    """Time every way under both settings of TF32, then measure memory and compare scores.

    Parameters
    ----------
    setting
        What. A device ``cpu`` works, where TF32 means nothing.
    """
    runs = _Runs(setting)
    costs: dict[tuple[str, str], GpuCost] = {}
    for turn in range(setting.rounds + 1):
        for tf32 in TF32:
            for name, (run, pairs) in runs.ways.items():
                with _allowing(tf32 == "on"):
                    seconds = runs.time(run)
                if turn:
                    costs[name, tf32].seconds.append(seconds)
                else:
                    costs[name, tf32] = GpuCost(seconds, pairs)
    exact = runs.exact()
    for (name, tf32), cost in costs.items():
        with _allowing(tf32 == "on"):
            cost.peak_bytes = runs.peak(runs.ways[name][0])
            if name in runs.scoring:
                cost.accuracy = _accuracy(runs.scoring[name](), exact)
    return GpuCosts(costs, runs.refusals, runs.floor_flops)


@contextmanager
def _allowing(tf32: bool) -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _accuracy(found: torch.Tensor, exact: torch.Tensor) -> Accuracy:
    rows, columns = found.shape
    found, exact = found.double(), exact[:rows, :columns]
    difference = (found - exact).abs()
    own = min(rows, columns)
    ranks = [(scores[:own] > scores.diagonal()[:own, None]).sum(dim=1) for scores in (found, exact)]
    return Accuracy(
        difference.max().item(),
        exact.abs().max().item(),
        int((difference > 1e-4 + 1e-5 * exact.abs()).sum()),
        int((ranks[0] != ranks[1]).sum()),
        int((found.argmax(dim=1) != exact.argmax(dim=1)).sum()),
        own,
    )


class _Runs:
    """The ways of scoring, on the same features and weights."""

    def __init__(self, setting: Setting) -> None:
        gallery, self._device = setting.gallery, setting.device
        self._gallery = gallery
        self._keep = {"granularities.*.reorganizer.keep_rate": setting.keep_rate, "stages.video": []}
        self.text, self.video = gallery.features(torch.float32, setting.device)
        self._model = self._tcmgc()
        published = Published(self._model)
        self.refusals = self._refused()
        xclip = tcmgc.build("xclip", gallery.sizes, overrides={"stages.video": []}).to(setting.device)
        ours = {PYTORCH: self._tcmgc()}
        if not self.refusals:
            ours |= {KERNEL: self._tcmgc("float32"), BF16: self._tcmgc("bfloat16")}
        self.scoring = {name: self._total(model) for name, model in ours.items()}
        whole = gallery.texts * gallery.videos
        blocks = self._blocks(setting.blocks)
        some = sum(len(self.text[t]) * len(self.video[v]) for t, v in blocks)
        self.ways: dict[str, tuple[Callable[[], object], int]] = {
            PUBLISHED: (lambda: [published.block(self.text[t], self.video[v]) for t, v in blocks], some),
            **{name: (run, whole) for name, run in self.scoring.items()},
            XCLIP: (self._total(xclip), whole),
            FLOOR: (self._products(), whole),
        }
        rows, columns = blocks[0]
        self.scoring[PUBLISHED] = lambda: published.block(self.text[rows], self.video[columns])

    @property
    def floor_flops(self) -> int:
        """Queries against keys, and sentence and words against the basis."""
        gallery = self._gallery
        return 2 * (gallery.words + 1) * gallery.dim * 2 * gallery.frames

    def time(self, run: Callable[[], object]) -> float:
        """Seconds, until the device is done."""
        self._wait()
        started = time.perf_counter()
        run()
        self._wait()
        return time.perf_counter() - started

    def peak(self, run: Callable[[], object]) -> int | None:
        """Bytes at the worst moment beside what is there; None without a CUDA device."""
        if self._device == "cpu":
            return None
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        self._wait()
        return torch.cuda.max_memory_allocated() - before

    def exact(self) -> torch.Tensor:
        """Score in float64, without the kernel: [T, V]."""
        model = self._tcmgc().double()
        text, video = self._gallery.features(torch.float64, self._device)
        return model.scores(text, video).total

    def _total(self, model: RetrievalModel) -> Callable[[], torch.Tensor]:
        return lambda: model.scores(self.text, self.video).total

    def _tcmgc(self, inputs: str | None = None) -> RetrievalModel:
        """Build it, with the kernel where its inputs are given."""
        model = tcmgc.build("tcmgc", self._gallery.sizes, overrides=self._keep).to(self._device)
        assert isinstance(model.scorer, GranularScorer)
        model.scorer.kernels = []
        if inputs is not None:
            kernel = current_registry().create("kernel", {"name": TRITON, "inputs": inputs}, {})
            model.scorer.kernels = [(TRITON, kernel)]
        return model

    def _refused(self) -> dict[str, str]:
        scorer = self._tcmgc("float32").scorer
        assert isinstance(scorer, GranularScorer)
        found = scorer.refusals(torch.device(self._device), torch.float32)
        reasons = {view: of[TRITON] for view, of in found.items()}
        return {view: reason for view, reason in reasons.items() if reason is not None}

    def _blocks(self, count: int) -> list[tuple[slice, slice]]:
        gallery = self._gallery
        blocks = [
            (slice(t, t + BLOCK), slice(v, v + BLOCK))
            for t in range(0, gallery.texts, BLOCK)
            for v in range(0, gallery.videos, BLOCK)
        ]
        return blocks[:count]

    def _products(self) -> Callable[[], object]:
        gallery = self._gallery
        generator = torch.Generator().manual_seed(0)

        def draw(items: int, rows: int) -> torch.Tensor:
            return torch.randn(items, rows, gallery.dim, generator=generator).to(self._device)

        queries = [draw(gallery.texts, gallery.words + 1) for _ in range(2)]
        bases = [draw(gallery.videos, gallery.frames) for _ in range(2)]
        per_pair = (gallery.words + 1) * 2 * gallery.frames
        tiling = Tiling.fit(per_pair, 4, BUDGET)

        def run() -> None:
            for t in range(0, gallery.texts, tiling.texts):
                for v in range(0, gallery.videos, tiling.videos):
                    for asks, rows in zip(queries, bases, strict=True):
                        tile = rows[v : v + tiling.videos].flatten(end_dim=1)
                        tile @ asks[t : t + tiling.texts].flatten(end_dim=1).T

        return run

    def _wait(self) -> None:
        if self._device != "cpu":
            torch.cuda.synchronize()

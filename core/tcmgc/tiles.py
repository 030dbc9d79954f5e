"""Scoring galleries too large for one call."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .errors import DataError, PluginError, TcmgcError
from .scores import Scores
from .state import take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from .features import TextFeatures, VideoFeatures
    from .slots.scorer import Scorer
    from .state import State

BUDGETS = {"cpu": 64 * 2**20}
"""Bytes that a tile's intermediate tensors may take, by the scorer's estimate, for a type of device.

On a CPU a tile that stays near its caches is faster than a large one.
"""
BUDGET = 256 * 2**20
"""The same for all other devices."""


@dataclass(frozen=True)
class Tiling:
    """Texts and videos a tile."""

    texts: int
    videos: int

    def __post_init__(self) -> None:
        if min(self.texts, self.videos) < 1:
            raise DataError("tiling", found=f"{self.texts} x {self.videos}", expected="at least 1 x 1")

    @classmethod
    def fit(cls, floats_per_pair: int, element_size: int, budget: int = BUDGET) -> Tiling:
        """Choose a square tile whose intermediate tensors fit a budget in bytes."""
        side = max(1, math.isqrt(budget // max(1, floats_per_pair * element_size)))
        return cls(side, side)


def walk(
    scorer: Scorer,
    text: TextFeatures,
    video: VideoFeatures,
    logit_scale: Tensor,
    *,
    tiling: Tiling | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Scores:
    """Score every text against every video in tiles; videos are prepared once, texts once.

    See `RetrievalModel.scores`.
    """
    T, V = len(text), len(video)
    if tiling is None:
        budget = BUDGETS.get(logit_scale.device.type, BUDGET)
        tiling = Tiling.fit(scorer.floats_per_pair, logit_scale.element_size(), budget)
    gallery = _prepare(scorer, video, tiling.videos)
    total: Tensor | None = None
    parts: dict[str, Tensor] = {}
    for rows in _blocks(T, tiling.texts):
        queries = scorer.prepare_text(text[rows])
        for columns in _blocks(V, tiling.videos):
            tile = _score(scorer, queries, take(gallery, columns), logit_scale)
            _refuse_other_shapes(tile, rows.stop - rows.start, columns.stop - columns.start)
            _refuse_non_finite(tile, rows.start, columns.start)
            if total is None:
                total = tile.total.new_empty(T, V)
                parts = {name: total.new_empty(T, V) for name in tile.parts}
            total[rows, columns] = tile.total
            for name, part in tile.parts.items():
                parts[name][rows, columns] = part
            if progress is not None:
                progress(rows.start * V + (rows.stop - rows.start) * columns.stop, T * V)
    assert total is not None, "galleries are never empty: features are checked"
    return Scores(total, parts)


def _prepare(scorer: Scorer, video: VideoFeatures, block: int) -> State:
    """Prepare every video once, a block at a time: what is in between is alive for a block alone."""
    V = len(video)
    gallery: dict[str, Tensor] = {}
    for columns in _blocks(V, block):
        for name, prepared in scorer.prepare_video(video[columns]).items():
            if name not in gallery:
                gallery[name] = prepared.new_empty(V, *prepared.shape[1:])
            gallery[name][columns] = prepared
    return gallery


def _blocks(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def _score(scorer: Scorer, text: State, video: State, logit_scale: Tensor) -> Scores:
    try:
        return scorer(text, video, logit_scale)
    except TcmgcError:
        raise
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise PluginError(
            "scoring a tile",
            found=f"a component raises {type(error).__name__}: {said}",
            expected="components that keep their contracts, and memory for a tile",
            hint="TCMGC_TRACEBACK=1 shows where",
        ) from error


def _refuse_other_shapes(tile: Scores, T: int, V: int) -> None:
    for name, part in {**tile.parts, "total": tile.total}.items():
        if part.shape != (T, V):
            raise PluginError(
                f"score {name} of a tile of {T} texts and {V} videos",
                found=f"shape {list(part.shape)}",
                expected=f"[{T}, {V}]: an interaction or aggregator must reduce to [T, V]",
            )


def _refuse_non_finite(tile: Scores, row: int, column: int) -> None:
    for name, part in {**tile.parts, "total": tile.total}.items():
        bad = torch.nonzero(~torch.isfinite(part))
        if len(bad):
            t, v = bad[0].tolist()
            raise DataError(
                f"score {name} of text {row + t} and video {column + v}",
                found=str(part[t, v].item()),
                expected="a finite number",
                hint="zero vectors have no direction and huge numbers overflow: look at the features of both",
            )

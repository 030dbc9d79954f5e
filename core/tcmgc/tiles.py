"""Scoring galleries too large for one call."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

import torch

from .errors import DataError, PluginError, TcmgcError
from .state import take
from .tile_pool import Inline, TilePool, tile_pool, worker_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from .features import TextFeatures, VideoFeatures
    from .scores import Scores
    from .sheet import Sheet
    from .slots.scorer import Scorer
    from .state import State
    from .tile_compiler import Compilation, Tile

Pool: TypeAlias = "Inline | TilePool"

BUDGETS = {"cpu": 10 * 2**20}
"""Bytes that a tile's intermediate tensors may take, by the scorer's estimate, for a type of device.

On a CPU every thread has a tile at a time, and one that stays near its caches is faster than a large one.
"""
BUDGET = 256 * 2**20
"""The same for all other devices."""


FEWEST, MOST = 256, 64 * 2**20
"""Pairs that a tile has whatever the budget, to be worth its operations, unless they take this many bytes."""
PREPARED = 16
"""Videos that are prepared at a time: what is in between takes many times what is left of it."""


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
        """Choose a tile whose intermediate tensors fit a budget in bytes."""
        return cls._of_pairs(budget // max(1, floats_per_pair * element_size))

    @classmethod
    def of(cls, scorer: Scorer, like: Tensor) -> Tiling:
        """Choose the tile in which a scorer walks a gallery, for numbers and on a device like one's."""
        a_pair = max(1, scorer.floats_per_pair * like.element_size())
        budget = BUDGETS.get(like.device.type, BUDGET)
        return cls._of_pairs(max(budget // a_pair, min(FEWEST, MOST // a_pair)))

    @classmethod
    def _of_pairs(cls, pairs: int) -> Tiling:
        """Choose about as many videos as texts, and numbers that fill vector instructions."""
        pairs = max(1, pairs)
        side = math.sqrt(pairs)
        step = next((step for step in (16, 4) if side >= step), 1)
        texts = max(1, round(side / step) * step)
        videos = pairs // texts
        return cls(texts, max(1, videos // 4 * 4 if videos >= 4 else videos))


@dataclass(frozen=True)
class Block:
    """Items ``start`` to ``stop`` of a side, of which those from ``first`` on are in no block before."""

    start: int
    stop: int
    first: int

    @property
    def items(self) -> slice:
        """All of them."""
        return slice(self.start, self.stop)

    @property
    def new(self) -> slice:
        """Those of the block itself that no block before has."""
        return slice(self.first - self.start, None)


def walk(
    scorer: Scorer,
    text: TextFeatures,
    video: VideoFeatures,
    logit_scale: Tensor,
    *,
    sheet: Sheet,
    first_video: int = 0,
    tiling: Tiling | None = None,
    progress: Callable[[int, int], None] | None = None,
    compilation: Compilation | None = None,
) -> None:
    """Score every text against every video in tiles; videos are prepared once, texts once.

    The scores go into a sheet, the videos' from its column ``first_video`` on. See `RetrievalModel.scores`.
    """
    T, V = len(text), len(video)
    device = logit_scale.device
    compiles = compilation is not None and compilation.begins(device, T * V * scorer.floats_per_pair)
    if tiling is None:
        tiling = Tiling.of(scorer, logit_scale)
    blocks = _equal_blocks if compiles else _blocks
    rows, columns = blocks(T, min(tiling.texts, T)), blocks(V, min(tiling.videos, V))
    with tile_pool(worker_count(device, len(rows) * len(columns))) as pool:
        gallery = _prepare(scorer, video, _blocks(V, PREPARED), pool)
        walk = _Walk(scorer, gallery, logit_scale, (T, V), pool, sheet, first_video)
        if compiles and compilation is not None:
            walk.compile(compilation, text, rows[0], columns[0])
        walk.run(text, rows, columns, progress)


class _Walk:
    """Scores into a sheet, tile by tile; a row of tiles is handed in while the one before is done."""

    def __init__(
        self,
        scorer: Scorer,
        gallery: State,
        logit_scale: Tensor,
        shape: tuple[int, int],
        pool: Pool,
        sheet: Sheet,
        first_video: int,
    ) -> None:
        self._scorer, self._gallery, self._logit_scale = scorer, gallery, logit_scale
        self._shape, self._pool = shape, pool
        self._score: Tile = scorer
        self._sheet, self._first_video = sheet, first_video

    def compile(self, compilation: Compilation, text: TextFeatures, row: Block, column: Block) -> None:
        """Compile what scores tiles as large as that of a row and a column."""

        def compiled() -> Tile:
            queries = self._scorer.prepare_text(text[row.items])
            return compilation.compiled(
                self._scorer, (queries, take(self._gallery, column.items), self._logit_scale)
            )

        self._score = self._pool.submit(compiled).result()

    def run(
        self,
        text: TextFeatures,
        rows: Sequence[Block],
        columns: Sequence[Block],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        (T, V), waiting = self._shape, deque[tuple[int, Future[None]]]()
        for row in rows:
            queries = self._pool.submit(self._scorer.prepare_text, text[row.items])
            for column in columns:
                done = row.first * V + (row.stop - row.first) * column.stop
                waiting.append((done, self._pool.submit(self._tile, queries, row, column)))
            del queries  # before the next row's are made: without threads, all its tiles are done
            while waiting and (len(waiting) > len(columns) or row is rows[-1]):
                done, tile = waiting.popleft()
                tile.result()
                if progress is not None:
                    progress(done, T * V)

    def _tile(self, queries: Future[State], row: Block, column: Block) -> None:
        tile = _score(self._score, queries.result(), take(self._gallery, column.items), self._logit_scale)
        _refuse_other_shapes(tile, row.stop - row.start, column.stop - column.start)
        _refuse_non_finite(tile, row.start, self._first_video + column.start)
        new = row.new, column.new
        self._sheet.put(
            slice(row.first, row.stop),
            slice(self._first_video + column.first, self._first_video + column.stop),
            tile.total[new],
            {name: part[new] for name, part in tile.parts.items()},
        )


def _prepare(scorer: Scorer, video: VideoFeatures, columns: Sequence[Block], pool: Pool) -> State:
    """Prepare every video once, a block at a time: what is in between is alive for a block alone."""
    gallery: dict[str, Tensor] = {}
    lock = Lock()

    def prepare(column: Block) -> None:
        for name, prepared in scorer.prepare_video(video[column.items]).items():
            with lock:
                if name not in gallery:
                    gallery[name] = prepared.new_empty(len(video), *prepared.shape[1:])
            gallery[name][column.items] = prepared

    for block in [pool.submit(prepare, column) for column in columns]:
        block.result()
    return gallery


def _blocks(length: int, size: int) -> list[Block]:
    """Cut into blocks of a size; the last may be smaller."""
    return [Block(start, min(start + size, length), start) for start in range(0, length, size)]


def _equal_blocks(length: int, size: int) -> list[Block]:
    """Cut into blocks that all have the size; the last begins among the items of the one before."""
    return [
        Block(min(start, length - size), min(start + size, length), start) for start in range(0, length, size)
    ]


def _score(score: Tile, text: State, video: State, logit_scale: Tensor) -> Scores:
    try:
        return score(text, video, logit_scale)
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

"""Answering texts from an index: a coarse search for a shortlist, and exact scores of that."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tcmgc.errors import DataError
from tcmgc.granular import GranularScorer
from tcmgc.scores import Scores
from tcmgc.tiles import Tiling

from .coarse import Coarse, MatrixCoarse
from .faiss_coarse import FILE, has_faiss, read_lists
from .index_folder import IndexFolder
from .model_of_index import (
    StaleIndexWarning,
    load_model,
    model_folder,
    refuse_other_model,
    warn_of_changes,
)
from .prepared_block import COARSE, TIMES
from .query import Queries, encode_queries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tcmgc.experiments.trained import TrainedModel
    from tcmgc.registry import Registry
    from tcmgc.state import State

    from .build_index import Lists
    from .journal import IndexedVideo

TOP = 10
SHORTLIST = 200
"""Videos that are scored exactly, where nobody says how many; docs/search.md has what it loses."""


@dataclass(frozen=True)
class FrameAttention:
    """A view's weights over a video's frames.

    Parameters
    ----------
    view
        Its name in the recipe.
    query
        What asked: ``sentence``, or ``words``, whose mean over the text's tokens is told.
    weights
        One a frame place, padding included: F numbers that add up to 1.
    """

    view: str
    query: str
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Hit:
    """A video that was found.

    Parameters
    ----------
    rank
        From 1.
    score
        What ranks.
    parts
        The granularities' scores by name.
    video
        Its id, path and part of the file.
    times
        Seconds of the frames that were looked at, from the start of the clip; there may be fewer than F.
    attention
        By view; nothing for views that no text conditions.
    """

    rank: int
    score: float
    parts: Mapping[str, float]
    video: IndexedVideo
    times: tuple[float, ...]
    attention: tuple[FrameAttention, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What a text found.

    Parameters
    ----------
    query
        The text.
    hits
        Best first.
    scored
        Videos that were scored exactly.
    seconds
        By step: ``text``, ``coarse``, ``exact``, ``frames``.
    """

    query: str
    hits: tuple[Hit, ...]
    scored: int
    seconds: Mapping[str, float] = field(default_factory=dict)


class Searcher:
    """Answers texts from an index.

    Parameters
    ----------
    index
        The index.
    model
        The model that it was made with.
    coarse
        Finds shortlists.
    """

    def __init__(self, index: IndexFolder, model: TrainedModel, coarse: Coarse) -> None:
        self.index = index
        self.model = model
        self.coarse = coarse
        self._head = model.model.head
        self._states = {name: a for name, a in index.arrays.items() if name not in (COARSE, TIMES)}
        self._times_VF = index.arrays[TIMES]
        self._is_live = np.zeros(index.rows, np.bool_)
        self._is_live[index.live] = True

    @classmethod
    def load(
        cls,
        registry: Registry,
        folder: Path,
        *,
        model: Path | None = None,
        device: str = "auto",
        lists: Lists = "auto",
    ) -> Searcher:
        """Open an index and load its model.

        Parameters
        ----------
        registry
            Where components are found.
        folder
            The index.
        model
            Where its model is now; None for where it was.
        device
            As `tcmgc.engine.fabric.make_fabric` takes it.
        lists
            ``matrix`` compares with every video; ``faiss`` insists on FAISS's lists; ``auto`` takes those
            where FAISS is installed and there are some, of all videos.

        Raises
        ------
        DataError
            When a file of the index is missing or damaged, it has no video, or the model is another.

        Warns
        -----
        StaleIndexWarning
            When source code that computes the scores changed since, or lists that are there are not taken.
        """
        index = IndexFolder.open(folder)
        if not len(index.live):
            raise DataError(f"index {folder}", found="no video", expected="at least one", hint="tcmgc index")
        coarse = _coarse(index, lists)
        kept = index.about.model
        loaded, about = load_model(registry, model_folder(folder, kept, model), kept.overrides, device)
        refuse_other_model(folder, kept, about)
        warn_of_changes(folder, kept, about)
        return cls(index, loaded, coarse)

    def search(self, query: str, *, top: int = TOP, shortlist: int | None = SHORTLIST) -> Answer:
        """Answer a text.

        Parameters
        ----------
        query
            A sentence.
        top
            The most hits.
        shortlist
            Videos that the coarse search chooses to be scored; None to score all.

        Raises
        ------
        DataError
            When the text is empty or too long, or a score is not finite.
        """
        at = [time.perf_counter()]
        queries = encode_queries(self.model, [query])
        at.append(time.perf_counter())
        rows = self.index.live if shortlist is None else self.shortlists(queries, max(top, shortlist))[0]
        at.append(time.perf_counter())
        scores = self.score(queries, rows)
        best = scores.total[0].argsort(descending=True, stable=True)[:top]
        at.append(time.perf_counter())
        attention = self._attention(queries, rows[best.numpy()])
        at.append(time.perf_counter())
        hits = tuple(
            Hit(
                rank=rank,
                score=float(scores.total[0, place]),
                parts={name: float(part[0, place]) for name, part in scores.parts.items()},
                video=self.index.contents.videos[rows[place]],
                times=self._times(int(rows[place])),
                attention=attention[rank - 1],
            )
            for rank, place in enumerate(best.tolist(), start=1)
        )
        names = ("text", "coarse", "exact", "frames")
        took = {name: after - before for name, before, after in zip(names, at, at[1:], strict=False)}
        return Answer(query, hits, len(rows), took)

    def encode(self, texts: list[str]) -> Queries:
        """Encode texts; see `tcmgc.search.query.encode_queries`."""
        return encode_queries(self.model, texts)

    def shortlists(self, queries: Queries, most: int) -> list[NDArray[np.int64]]:
        """Return the rows of the videos that the coarse search chooses for each text, nearest first."""
        superseded = self.index.rows - len(self.index.live)
        found = self.coarse.search(queries.vectors, min(most + superseded, self.index.rows))
        return [row[(row >= 0) & self._is_live[row]][:most] for row in found]

    @torch.inference_mode()
    def score(self, queries: Queries, rows: NDArray[np.int64]) -> Scores:
        """Score T texts against the videos of some rows, exactly: [T, n] on the CPU.

        Raises
        ------
        DataError
            When a score is not finite.
        """
        if not len(rows):
            return Scores(torch.zeros(len(queries), 0), {})
        tiling = Tiling.of(self._head.scorer, self._head.logit_scale)
        videos = max(1, tiling.texts * tiling.videos // len(queries))
        tiles = [
            self._head.score_states(queries.state, self._state(rows[start : start + videos]))
            for start in range(0, len(rows), videos)
        ]
        total = torch.cat([tile.total for tile in tiles], dim=1).cpu()
        self._refuse_non_finite(total, rows)
        parts = {
            name: torch.cat([tile.parts[name] for tile in tiles], dim=1).cpu() for name in tiles[0].parts
        }
        return Scores(total, parts)

    def _state(self, rows: NDArray[np.int64]) -> State:
        """Read the states of some rows, in float32; neighbours are not copied."""
        device = self._head.logit_scale.device
        run = rows[-1] - rows[0] == len(rows) - 1 and bool((np.diff(rows) == 1).all())
        items: Any = slice(int(rows[0]), int(rows[-1]) + 1) if run else rows
        found = {}
        for name, array in self._states.items():
            tensor = torch.from_numpy(array[items]).to(device)
            found[name] = tensor.float() if tensor.dtype == torch.float16 else tensor
        return found

    def _refuse_non_finite(self, total_TV: torch.Tensor, rows: NDArray[np.int64]) -> None:
        bad = torch.nonzero(~torch.isfinite(total_TV))
        if len(bad):
            text, place = bad[0].tolist()
            video = self.index.contents.videos[rows[place]]
            raise DataError(
                f"index {self.index.path}: score of video {video.id}",
                found=str(total_TV[text, place].item()),
                expected="a finite number",
                hint=f"tcmgc index --check {self.index.path} looks for damaged files",
            )

    @torch.inference_mode()
    def _attention(self, queries: Queries, rows: NDArray[np.int64]) -> list[tuple[FrameAttention, ...]]:
        scorer = self._head.scorer
        if not len(rows) or not isinstance(scorer, GranularScorer):
            return [() for _ in rows]
        found: list[list[FrameAttention]] = [[] for _ in rows]
        for view, (query, weights_TVQF) in scorer.attention(queries.state, self._state(rows)).items():
            asked_Q = queries.state[f"mask/{query}"][0]
            mean_VF = weights_TVQF[0][:, asked_Q].mean(dim=1).cpu()
            for video, weights_F in zip(found, mean_VF.tolist(), strict=True):
                video.append(FrameAttention(view, query, tuple(weights_F)))
        return [tuple(views) for views in found]

    def _times(self, row: int) -> tuple[float, ...]:
        times_F = self._times_VF[row]
        return tuple(float(seconds) for seconds in times_F[~np.isnan(times_F)])


def _coarse(index: IndexFolder, lists: Lists) -> Coarse:
    """Open what finds shortlists; lists that do not fit, as while videos are added, are passed over."""
    vectors = index.arrays[COARSE]
    if lists == "faiss" or (lists == "auto" and has_faiss() and (index.path / FILE).exists()):
        try:
            return read_lists(index.path, index.rows, index.coarse_vectors)
        except DataError as error:
            if lists == "faiss":
                raise
            passed = f"{error.where}: {error.found}, not {error.expected}; every video is compared instead"
            warnings.warn(f"{passed}; {error.hint}", StaleIndexWarning, stacklevel=4)
    return MatrixCoarse(vectors)

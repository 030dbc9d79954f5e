"""What a shortlist loses: searches of an index beside the ranking of all its videos."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch

from tcmgc.statistics.bootstrap import bootstrap_means, draw_clusters, interval

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tcmgc.search.query import Queries
    from tcmgc.search.searcher import Searcher

DEPTHS = (1, 5, 10)
"""Of rankings: the first, the first five, the first ten."""
TEXTS = 8
"""Texts that are scored against all videos at a time."""
TIMED_ALL = 3
"""Texts that are timed against all videos."""


@dataclass(frozen=True)
class Share:
    """A share in percent, with its 95 % bootstrap interval over videos."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ShortlistResult:
    """What a shortlist of one length gives.

    Parameters
    ----------
    length
        Videos in it.
    found
        By depth: how much of the first k of the ranking of all videos are in it, and so in the answer.
    recall, lost
        By depth, R@k and what it lost against that ranking; nothing where no video belongs to a text.
    exact_us
        Microseconds for the exact scores of a text, the median.
    """

    length: int
    found: dict[int, Share]
    recall: dict[int, Share]
    lost: dict[int, Share]
    exact_us: float


@dataclass(frozen=True)
class SearchResult:
    """All that was measured.

    Parameters
    ----------
    texts, videos
        How many.
    recall
        R@k of the ranking of all videos, by depth.
    shortlists
        By length.
    text_us, coarse_us, all_us
        Microseconds a text, medians: encoding it, the coarse search, exact scores of all videos.
    """

    texts: int
    videos: int
    recall: dict[int, Share]
    shortlists: tuple[ShortlistResult, ...]
    text_us: float
    coarse_us: float
    all_us: float


def measure_search(
    searcher: Searcher,
    texts: Sequence[str],
    video_rows: NDArray[np.int64] | None,
    lengths: Sequence[int],
    *,
    timed: int = 30,
    progress: Callable[[int, int], None] | None = None,
) -> SearchResult:
    """Rank all videos for every text, and see what shortlists keep of that.

    Parameters
    ----------
    searcher
        The index.
    texts
        T texts.
    video_rows
        [T], the row of each text's video; None where they have none.
    lengths
        Of shortlists; those that are longer than the index are left out.
    timed
        Texts that are timed one by one.
    progress
        Called with the texts that are done and all.
    """
    live = searcher.index.live
    queries = searcher.encode(list(texts))
    scores_TV = all_scores(searcher, queries, progress)
    column = np.full(searcher.index.rows, -1)
    column[live] = np.arange(len(live))
    best_TK = np.argsort(-scores_TV, axis=1, kind="stable")[:, : max(DEPTHS)]
    cluster = np.arange(len(texts)) if video_rows is None else np.unique(video_rows, return_inverse=True)[1]
    shares = _Shares(cluster)
    own = None if video_rows is None else column[video_rows]
    everything = np.ones_like(scores_TV, dtype=np.bool_)
    at_all = {} if own is None else _hits(scores_TV, own, everything)
    kept = [length for length in lengths if length < len(live)]
    lists = searcher.shortlists(queries, max(kept, default=1))
    some = [queries[k : k + 1] for k in range(min(timed, len(texts)))]
    found = []
    for length in kept:
        inside = np.zeros_like(everything)
        for text, rows in enumerate(lists):
            inside[text, column[rows[:length]]] = True
        of_best = np.take_along_axis(inside, best_TK, axis=1)
        hits = {} if own is None else _hits(scores_TV, own, inside)
        found.append(
            ShortlistResult(
                length,
                {k: shares.of(of_best[:, :k].mean(axis=1)) for k in DEPTHS},
                {k: shares.of(hit) for k, hit in hits.items()},
                {k: shares.of(at_all[k] - hit) for k, hit in hits.items()},
                _microseconds(
                    [_score(searcher, one, rows[:length]) for one, rows in zip(some, lists, strict=False)]
                ),
            )
        )
    return SearchResult(
        len(texts),
        len(live),
        {k: shares.of(hit) for k, hit in at_all.items()},
        tuple(found),
        _microseconds([_encode(searcher, text) for text in texts[:timed]]),
        _microseconds([_shortlist(searcher, one, max(kept, default=1)) for one in some]),
        _microseconds([_score(searcher, one, live) for one in some[:TIMED_ALL]]),
    )


def all_scores(
    searcher: Searcher, queries: Queries, progress: Callable[[int, int], None] | None = None
) -> NDArray[np.float32]:
    """Score all texts against all videos that are found, in the order of `IndexFolder.live`: [T, V]."""
    blocks = []
    for start in range(0, len(queries), TEXTS):
        blocks.append(searcher.score(queries[start : start + TEXTS], searcher.index.live).total)
        if progress is not None:
            progress(min(start + TEXTS, len(queries)), len(queries))
    scores: NDArray[np.float32] = torch.cat(blocks).numpy()
    return scores


@dataclass(frozen=True)
class Agreement:
    """How far the scores of one index are from those of another of the same videos.

    Parameters
    ----------
    difference, largest
        The largest difference, and the largest score.
    first, ten
        Shares in percent: of texts with the same first video, and of the first ten that both have.
    """

    difference: float
    largest: float
    first: float
    ten: float


def agreement(scores_TV: NDArray[np.float32], others_TV: NDArray[np.float32]) -> Agreement:
    """Compare scores of the same texts and videos."""
    tens = [np.argsort(-each, axis=1, kind="stable")[:, :10] for each in (scores_TV, others_TV)]
    common = [len(np.intersect1d(*rows)) for rows in zip(*tens, strict=True)]
    return Agreement(
        float(np.abs(scores_TV - others_TV).max()),
        float(np.abs(others_TV).max()),
        100 * float((tens[0][:, 0] == tens[1][:, 0]).mean()),
        100 * float(np.mean(common)) / tens[0].shape[1],
    )


def _hits(
    scores_TV: NDArray[np.float32], own_T: NDArray[np.int64], inside_TV: NDArray[np.bool_]
) -> dict[int, NDArray[np.float64]]:
    """Say by depth whether each text's own video is among the first k of those inside, 0 or 1."""
    rows = np.arange(len(own_T))
    own = scores_TV[rows, own_T][:, None]
    before = ((scores_TV > own) & inside_TV).sum(axis=1)
    there = inside_TV[rows, own_T]
    return {k: (there & (before < k)).astype(np.float64) for k in DEPTHS}


class _Shares:
    """Means over texts in percent, with intervals over their videos."""

    def __init__(self, cluster_T: NDArray[np.int64]) -> None:
        self._cluster_T = cluster_T
        self._times_BC = draw_clusters(int(cluster_T.max()) + 1, draws=2000)

    def of(self, values_T: NDArray[np.float64]) -> Share:
        means = bootstrap_means(self._times_BC, values_T[:, None].astype(np.float64), self._cluster_T)
        low, high = interval(means[:, 0])
        share = Share(float(values_T.mean()), low, high)
        return replace(share, value=100 * share.value, low=100 * low, high=100 * high)


def _microseconds(works: Sequence[Callable[[], object]]) -> float:
    took = []
    for work in works:
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return 1e6 * median(took)


def _score(searcher: Searcher, one: Queries, rows: NDArray[np.int64]) -> Callable[[], object]:
    return lambda: searcher.score(one, rows)


def _shortlist(searcher: Searcher, one: Queries, most: int) -> Callable[[], object]:
    return lambda: searcher.shortlists(one, most)


def _encode(searcher: Searcher, text: str) -> Callable[[], object]:
    return lambda: searcher.encode([text])

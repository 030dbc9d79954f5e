"""From a model and a split with its frames to metrics, ranks and times."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch

from tcmgc.engine.encode import encode
from tcmgc.engine.score import score_features
from tcmgc.evaluation import as_array, metrics
from tcmgc.outranking import outranking
from tcmgc.ranking import Direction, rank
from tcmgc.runs.fingerprint import clip_digests

from .normalization import ranking_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lightning_fabric import Fabric

    from tcmgc.arrays import Matrix
    from tcmgc.data.clip import Split
    from tcmgc.data.frames import SplitFrames
    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.evaluation import DirectionMetrics
    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.outranking import Outranking
    from tcmgc.ranking import Ranking
    from tcmgc.slots.metric import Metric
    from tcmgc.slots.normalizer import Normalizer

    from .restriction import Restriction

TOP = 5
REPEATS, SHORT = 3, 0.5
"""Scoring that takes less than SHORT seconds is done REPEATS times more, and the least time counts."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation gave.

    Parameters
    ----------
    metrics
        `tcmgc.evaluation.DirectionMetrics` by direction.
    rankings
        What they were computed from.
    ranks
        The content of ``ranks.json``.
    digests
        Of the clips that were searched: `tcmgc.runs.fingerprint.clip_digests`.
    outranking
        What ranks the same queries among fewer clips.
    seconds
        Encoding and scoring, once.
    microseconds_per_pair
        Scoring alone, a pair.
    """

    metrics: dict[str, DirectionMetrics]
    rankings: dict[Direction, Ranking]
    ranks: dict[str, Any]
    digests: list[str]
    outranking: dict[Direction, Outranking]
    seconds: float
    microseconds_per_pair: float


def evaluate(
    fabric: Fabric,
    model: EncodedModel,
    data: SplitFrames,
    measures: Mapping[str, Metric],
    *,
    restriction: Restriction | None = None,
    normalizer: Normalizer | None = None,
    bank: Callable[[], SplitFrames] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score every caption of a split against every clip, and rank both ways.

    Parameters
    ----------
    fabric
        Where to compute.
    model
        Left as it is.
    data
        The split.
    measures
        Metrics by name.
    restriction
        The clips to search, with their captions; all where it is left out. The others are encoded, too,
        since a model scores each pair on its own; but what a normalizer sees is the restricted scores.
    normalizer
        Applied to each direction's scores, as its query side asks.
    bank
        Gives the train split, to a normalizer that needs a bank.
    progress
        Called with the items encoded so far and in all.
    """
    start = time.perf_counter()
    text, video = encode(fabric, model, data, progress)
    split = data.split
    if restriction is not None:
        split = restriction.split
        captions, clips = (torch.from_numpy(rows) for rows in (restriction.captions, restriction.clips))
        text, video = text[captions.to(model.device)], video[clips.to(model.device)]
    _synchronize(fabric)
    encoded = time.perf_counter()
    scores = score_features(model, text, video)
    scored = time.perf_counter()
    seconds, scoring_seconds = scored - start, scored - encoded - model.head.compilation.seconds
    if scoring_seconds < SHORT:
        scoring_seconds = _time_scoring(fabric, model, text, video)
    known = cache(lambda: encode(fabric, model, bank(), None) if bank is not None else None)
    pairing = split.clip_of_caption
    found: dict[str, DirectionMetrics] = {}
    rankings: dict[Direction, Ranking] = {}
    bits: dict[Direction, Outranking] = {}
    ranks: dict[str, Any] = {"schema_version": 1}
    for direction in get_args(Direction):
        similarity = ranking_scores(model, text, video, scores, normalizer, known, direction)
        similarity_TV = as_array(similarity, "similarity")
        found[direction] = metrics(similarity_TV, pairing, measures=measures)[direction]
        rankings[direction] = rank(similarity_TV, pairing, direction)
        ranks[direction] = _ranks(similarity_TV, split, direction, rankings[direction])
        bits[direction] = outranking(similarity_TV, pairing, direction)
    a_pair = 1e6 * scoring_seconds / (len(text) * len(video))
    return Evaluation(found, rankings, ranks, clip_digests(split), bits, seconds, a_pair)


def _time_scoring(fabric: Fabric, model: EncodedModel, text: TextFeatures, video: VideoFeatures) -> float:
    least = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        with torch.inference_mode():
            model.head.scores(text, video)
        _synchronize(fabric)
        least = min(least, time.perf_counter() - start)
    return least


def _synchronize(fabric: Fabric) -> None:
    if fabric.device.type == "cuda":
        torch.cuda.synchronize(fabric.device)


def _ranks(similarity_TV: Matrix, split: Split, direction: Direction, ranking: Ranking) -> dict[str, Any]:
    """Say where each query's clip, or its captions, stand; see ``ranks.json`` in docs/experiments.md."""
    above, size, relevant = ranking.best_groups()
    clips = [clip.id for clip in split.clips]
    if direction == "t2v":
        queries = [caption.id for caption in split.captions]
        clusters = [caption.clip for caption in split.captions]
        tags = [list(caption.tags) for caption in split.captions]
        scores_QI = similarity_TV
    else:
        queries = clusters = clips
        tags = _tags_of_clips(split)
        scores_QI = _best_captions(similarity_TV, split).T
    return {
        "items": ranking.items,
        "query": queries,
        "cluster": clusters,
        "above": above.tolist(),
        "size": size.tolist(),
        "relevant": relevant.tolist(),
        "top": [[clips[item] for item in row] for row in _top(scores_QI)],
        "tags": tags,
    }


def _best_captions(similarity_TV: Matrix, split: Split) -> Matrix:
    """[V, V]: in row g the best score of any caption of clip g with every clip."""
    order = np.argsort(split.clip_of_caption, kind="stable")
    starts = np.searchsorted(split.clip_of_caption[order], np.arange(len(split.clips)))
    best: Matrix = np.maximum.reduceat(similarity_TV[order], starts, axis=0)
    return best


def _top(scores_QI: Matrix) -> list[list[int]]:
    """Return the places of each row's largest scores, best first."""
    found: list[list[int]] = np.argsort(-scores_QI, axis=1, kind="stable")[:, :TOP].tolist()
    return found


def _tags_of_clips(split: Split) -> list[list[str]]:
    tags: dict[str, set[str]] = {clip.id: set() for clip in split.clips}
    for caption in split.captions:
        tags[caption.clip] |= set(caption.tags)
    return [sorted(tags[clip.id]) for clip in split.clips]

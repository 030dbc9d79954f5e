"""Scoring texts against prepared videos, tile by tile."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import torch

from tcmgc.tile_pool import tile_pool, worker_count

if TYPE_CHECKING:
    from concurrent.futures import Future

    from torch import Tensor

    from tcmgc import RetrievalModel
    from tcmgc.state import State

    from .prepared_gallery import PreparedGallery


def score_gallery(
    model: RetrievalModel, queries: State, gallery: PreparedGallery, pairs: int, deadline: float
) -> tuple[Tensor, int]:
    """Score in tiles side by side, as `tcmgc.tiles.walk` does.

    Parameters
    ----------
    model
        In evaluation mode.
    queries
        T prepared texts.
    gallery
        V prepared videos.
    pairs
        Of a tile.
    deadline
        Of `time.perf_counter`; tiles that are not begun by then are left out, but for the first.

    Returns
    -------
    scores, videos
        [T, V], of which the first columns are filled, and how many those are.
    """
    scorer, scale = model.scorer, model.logit_scale.exp()
    texts = len(next(iter(queries.values())))
    total_TV = torch.empty(texts, gallery.videos, dtype=scale.dtype, device=scale.device)

    def score(place: slice, videos: State) -> None:
        total_TV[:, place] = scorer(queries, videos, scale).total

    size = max(1, pairs // texts)
    workers = worker_count(scale.device, -(-gallery.videos // size))
    done = 0
    with torch.no_grad(), tile_pool(workers) as pool:
        waiting: deque[Future[None]] = deque()
        for place, videos in gallery.blocks(size):
            if done and time.perf_counter() > deadline:
                break
            waiting.append(pool.submit(score, place, videos))
            if len(waiting) > 2 * workers:
                waiting.popleft().result()
            done = place.stop
        for tile in waiting:
            tile.result()
    return total_TV, done

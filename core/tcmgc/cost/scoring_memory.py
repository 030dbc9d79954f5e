"""The most memory that scoring a gallery takes beside features, weights and scores."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from tcmgc.evaluation_mode import evaluating
from tcmgc.sheet import Sheet
from tcmgc.tile_pool import worker_count
from tcmgc.tiles import PREPARED, Tiling, walk

from .index_bytes import index_bytes, state_bytes
from .random_features import random_features
from .tensor_memory import TensorMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcmgc.model import RetrievalModel


def scoring_memory(model: RetrievalModel, videos: int) -> int:
    """Return the bytes of tensors that are alive at the worst moment, beside features, weights and scores.

    That is every video's prepared state, which is kept, and what one tile takes, for each thread. The latter
    is measured, with one thread, on as many items as a tile has.

    Parameters
    ----------
    model
        On its device, in its dtype.
    videos
        V, the size of the gallery; as many texts look at it.
    """
    with evaluating(model):
        return _memory(model, videos)


def _memory(model: RetrievalModel, videos: int) -> int:
    scale = model.logit_scale.exp()
    tiling = Tiling.of(model.scorer, model.logit_scale)
    texts, few = tiling.texts, min(videos, max(tiling.videos, PREPARED))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        text, video = model.apply_stages(*random_features(model, texts, 1))
        video = video[torch.zeros(few, dtype=torch.long)]  # the same one over and over
        with _one_thread(), TensorMemory() as memory:
            sheet = Sheet((texts, few))
            walk(model.scorer, text, video, scale, sheet=sheet, tiling=tiling)
        scores = sheet.scores
    result = state_bytes({**scores.parts, "total": scores.total})
    a_video = index_bytes(model)
    tile: int = max(0, memory.peak - result - few * a_video)
    tiles = -(-videos // tiling.texts) * -(-videos // tiling.videos)
    return videos * a_video + worker_count(scale.device, tiles) * tile


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

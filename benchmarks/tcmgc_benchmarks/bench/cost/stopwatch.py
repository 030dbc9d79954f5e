"""Timing what is done on a device, until it is known or the patience is over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import torch

from .score_gallery import score_gallery

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc import RetrievalModel
    from tcmgc.state import State

    from .prepared_gallery import PreparedGallery

ROUNDS = 5


@dataclass(frozen=True)
class Walked:
    """How far a walk of a gallery came, and how long that took.

    Parameters
    ----------
    seconds
        Median over the rounds.
    videos
        That were scored; fewer than there are where the patience was over.
    rounds
        That were timed.
    """

    seconds: float
    videos: int
    rounds: int


def seconds_of(work: Callable[[], object], device: torch.device, patience: float) -> float:
    """Time some work: the median of up to five rounds, after one that only counts where it is a long one."""
    first = _timed(work, device)
    if first * ROUNDS > patience:
        return first
    return median(_timed(work, device) for _ in range(ROUNDS))


def walk_gallery(
    model: RetrievalModel,
    prepare: Callable[[], State],
    gallery: PreparedGallery,
    pairs: int,
    patience: float,
) -> Walked:
    """Time how long prepared videos take to be scored for some texts.

    Parameters
    ----------
    model
        In evaluation mode.
    prepare
        Makes the texts' state; is timed with it.
    gallery
        The videos.
    pairs
        Of a tile.
    patience
        Seconds after which a walk ends where it is.
    """
    device = model.logit_scale.device
    found: list[tuple[float, int]] = []

    def work() -> None:
        started = time.perf_counter()
        videos = score_gallery(model, prepare(), gallery, pairs, started + patience)[1]
        _synchronize(device)
        found.append((time.perf_counter() - started, videos))

    work()
    if found[0][0] * ROUNDS <= patience:
        for _ in range(ROUNDS):
            work()
        del found[0]
    return Walked(median(seconds for seconds, _ in found), found[0][1], len(found))


def _timed(work: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    _synchronize(device)
    return time.perf_counter() - started


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

"""How much arithmetic scoring takes: once a text, once a video, and for every pair."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from tcmgc.tiles import PREPARED

from .matmul_flops import MatmulFlops
from .random_features import random_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from tcmgc.model import RetrievalModel

TEXTS, VIDEOS = 2, PREPARED
"""That are counted. What is done once for all of them is shared, as where scoring prepares as many."""


@dataclass(frozen=True)
class ScoringFlops:
    """FLOPs of matrix products: 2 m n k for one of m x k and k x n; see `tcmgc.cost.matmul_flops`.

    Parameters
    ----------
    text, video
        Once an item: its stages, and what the scorer prepares of it. Encoders are not in it.
    pair
        For every pair of prepared items.
    """

    text: int
    video: int
    pair: int


def scoring_flops(model: RetrievalModel) -> ScoringFlops:
    """Count what a model's scoring takes, for items as long as it was built for.

    Parameters
    ----------
    model
        On any device: what is counted are the operations of its CPU path.
    """
    return _count(model, _Ours)


def torch_flops(model: RetrievalModel) -> ScoringFlops:
    """Count the same with PyTorch's own counter.

    That one knows no fused attention and no LSTM on a CPU, so that both run here as the matrix products that
    they are made of.

    Parameters
    ----------
    model
        As in `scoring_flops`.
    """
    with sdpa_kernel(SDPBackend.MATH), _without_mkldnn():
        return _count(model, _Torchs)


@contextmanager
def _without_mkldnn() -> Iterator[None]:
    # Not torch.backends.mkldnn.flags, which sets more than this and warns of it.
    enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = enabled


class _Counter(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def flops(self) -> int: ...


class _Ours(MatmulFlops):  # type: ignore[no-untyped-call]
    def flops(self) -> int:
        return self.total


class _Torchs(FlopCounterMode):
    def __init__(self) -> None:
        super().__init__(display=False)

    def flops(self) -> int:
        return self.get_total_flops()


def _count(model: RetrievalModel, counter: Callable[[], _Counter]) -> ScoringFlops:
    if model.logit_scale.device.type != "cpu":
        model = copy.deepcopy(model).cpu()
    text, video = random_features(model, TEXTS, VIDEOS)
    # Inference mode leaves operations whole that a counter wants to see the parts of.
    with torch.inference_mode(mode=False), torch.random.fork_rng(devices=[]):
        with counter() as of_texts:
            queries = model.prepare_text(text)
        with counter() as of_videos:
            gallery = model.prepare_video(video)
        with counter() as of_pairs:
            model.score_states(queries, gallery)
    return ScoringFlops(
        text=round(of_texts.flops() / TEXTS),
        video=round(of_videos.flops() / VIDEOS),
        pair=round(of_pairs.flops() / (TEXTS * VIDEOS)),
    )

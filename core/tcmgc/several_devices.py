"""One gallery on several devices: every device has the model, all texts, and its share of the videos."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Lock
from typing import TYPE_CHECKING

import torch

from .errors import ConfigError
from .sheet import Sheet, in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .features import TextFeatures, VideoFeatures
    from .model import RetrievalModel
    from .scores import Scores
    from .sheet import Allocate


def scores_on(
    devices: Sequence[str | torch.device],
    model: RetrievalModel,
    text: TextFeatures,
    video: VideoFeatures,
    *,
    progress: Callable[[int, int], None] | None = None,
    allocate: Allocate | None = None,
) -> Scores:
    """Score whole galleries as `RetrievalModel.scores` does, on several devices at a time.

    Parameters
    ----------
    devices
        Where; one that stands twice has two shares.
    model
        Is copied to each.
    text, video
        T texts and V videos, on any device.
    progress
        Called with the pairs scored so far and the pairs in all.
    allocate
        Makes the matrices of the scores; they are in the CPU's memory when left out.

    Raises
    ------
    ConfigError
        When there are no devices.
    DataError
        When a score is not finite: with its text and video.
    """
    if not devices:
        raise ConfigError("devices", found="none", expected="one at least")
    T, V = len(text), len(video)
    sheet = Sheet((T, V), _on_cpu if allocate is None else allocate)
    shares = [(V * i // len(devices), V * (i + 1) // len(devices)) for i in range(len(devices))]
    done = dict.fromkeys(range(len(devices)), 0)
    copies: list[RetrievalModel] = []
    lock = Lock()

    def work(index: int) -> None:
        def advance(pairs: int, _: int) -> None:
            with lock:
                done[index] = pairs
                if progress is not None:
                    progress(sum(done.values()), T * V)

        start, stop = shares[index]
        if start == stop:
            return
        device = torch.device(devices[index])
        own = deepcopy(model).to(device)
        copies.append(own)
        own.scores_into(sheet, start, text.to(device), video[start:stop].to(device), progress=advance)

    with ThreadPoolExecutor(len(devices), "device") as pool:
        for job in [pool.submit(work, index) for index in range(len(devices))]:
            job.result()
    model.compilation.seconds = sum(copy.compilation.seconds for copy in copies)
    return sheet.scores


def _on_cpu(parts: Sequence[str], shape: tuple[int, int], like: torch.Tensor) -> Scores:
    return in_memory(parts, shape, torch.empty(0, dtype=like.dtype))

"""Batches loaded ahead: the same ones, in order, a bounded number of them."""

from __future__ import annotations

import threading
import time
from itertools import count, islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from engine_cases import F, build, run, settings, tiny_split
from tcmgc import PluginError
from tcmgc.engine.batch_loader import BatchLoader
from tcmgc.engine.batches import BatchOrder
from tcmgc.engine.frame_draws import FrameDraws
from tcmgc.engine.prefetch import prefetch
from tcmgc.engine.train import train
from tcmgc_plugins.samplers.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lightning_fabric import Fabric
    from numpy.typing import NDArray

    from tcmgc.data.frames import SplitFrames
    from tcmgc.engine.batch_loader import LoadedBatch

PER_SEGMENT = 3
WORKERS = (0, 1, 4)
LONG = 60.0
"""Seconds that a thread may take to get its turn."""


@pytest.mark.parametrize("workers", WORKERS)
def test_results_come_in_order(workers: int) -> None:
    def make(item: int) -> int:
        time.sleep(0.001 * (item % 3))  # later ones are ready before earlier ones
        return item**2

    assert list(prefetch(make, range(40), workers)) == [item**2 for item in range(40)]


@pytest.mark.parametrize("workers", WORKERS)
def test_no_more_is_ahead_than_was_said(workers: int) -> None:
    made, used, most = count(), 0, 0
    lock, ahead = threading.Lock(), threading.Event()

    def make(item: int) -> int:
        nonlocal most
        with lock:
            most = max(most, next(made) + 1 - used)
            if most > 1:
                ahead.set()
        return item

    for _ in prefetch(make, range(50), workers):
        assert not workers or ahead.wait(LONG)
        with lock:
            used += 1
    # What is in use, what is ready, and what a thread has just begun.
    assert most <= (workers + 2 if workers else 1)


@pytest.mark.parametrize("workers", WORKERS)
def test_an_error_comes_in_its_place(workers: int) -> None:
    def make(item: int) -> float:
        return 1 / (3 - item)

    results = prefetch(make, range(10), workers)
    assert [next(results) for _ in range(3)] == [1 / 3, 1 / 2, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


@pytest.mark.parametrize("workers", WORKERS)
def test_who_stops_early_leaves_no_thread(workers: int) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in count():
            taken.append(item)
            yield item

    results = prefetch(lambda item: item, items(), workers)
    assert list(islice(results, 3)) == [0, 1, 2]
    results.close()
    assert len(taken) <= 3 + workers + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]


def test_work_overlaps_with_its_use() -> None:
    """Each result is made while the one before it is in use."""
    made = [threading.Event() for _ in range(20)]
    for item, _ in enumerate(prefetch(lambda item: made[item].set(), range(20), 1)):
        assert made[min(item + 1, 19)].wait(LONG)


def candidates(clips: int) -> SplitFrames:
    """Clips of up to F * PER_SEGMENT frames, each frame of its own colour."""
    base = tiny_split("train", clips, captions=2)
    rng = np.random.default_rng(0)
    most = F * PER_SEGMENT
    pixels = rng.integers(1, 256, (clips, most, *base.pixels.shape[2:])).astype(np.uint8)
    mask = np.arange(most) < rng.integers(1, most + 1, clips)[:, None]
    mask[0] = True
    pixels[~mask] = 0
    times = np.where(mask, np.arange(most, dtype=np.float64), np.nan)
    return type(base)(base.split, pixels, mask, times)


def loaded(data: SplitFrames, draws: FrameDraws | None, workers: int, epoch: int = 1) -> list[LoadedBatch]:
    tokens = build().encoder.tokenize([caption.text for caption in data.split.captions])
    loader = BatchLoader(data, tokens, draws, pin=False)
    batches = BatchOrder(data.split, 7, seed=5).epoch(epoch)
    return list(prefetch(lambda batch: loader.load(epoch, batch), batches, workers))


def equal(one: LoadedBatch, other: LoadedBatch) -> bool:
    pairs = [(one.pixels, other.pixels), (one.mask, other.mask), (one.tokens.ids, other.tokens.ids)]
    return all(torch.equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize("drawn", [False, True])
def test_batches_are_the_same_with_any_number_of_workers(drawn: bool) -> None:
    data = candidates(30) if drawn else tiny_split("train", 30, captions=2)
    draws = FrameDraws(Segment(frames=F, per_segment=PER_SEGMENT), data, seed=5) if drawn else None
    alone = loaded(data, draws, 0)
    for workers in WORKERS[1:]:
        found = loaded(data, draws, workers)
        assert len(found) == len(alone) == 5
        assert all(map(equal, found, alone))


def test_drawn_frames_are_those_of_the_clip() -> None:
    data = candidates(30)
    draws = FrameDraws(Segment(frames=F, per_segment=PER_SEGMENT), data, seed=5)
    (batch, *_), chosen = loaded(data, draws, 1), BatchOrder(data.split, 7, seed=5).epoch(1)[0]
    places, mask = draws.draw(chosen.clips, 1)
    assert batch.pixels.shape[1] == F
    for row, clip in enumerate(chosen.clips):
        assert data.mask[clip][places[row][mask[row]]].all()
        assert np.array_equal(batch.pixels[row][mask[row]].numpy(), data.pixels[clip][places[row][mask[row]]])
        assert not batch.pixels[row][~mask[row]].any()


def test_every_epoch_draws_anew_and_a_seed_draws_the_same() -> None:
    data = candidates(30)
    sampler, clips = Segment(frames=F, per_segment=PER_SEGMENT), np.arange(30)
    one, again = FrameDraws(sampler, data, seed=5), FrameDraws(sampler, data, seed=5)
    assert np.array_equal(one.draw(clips, 1)[0], again.draw(clips, 1)[0])
    assert not np.array_equal(one.draw(clips, 1)[0], one.draw(clips, 2)[0])
    assert not np.array_equal(one.draw(clips, 1)[0], FrameDraws(sampler, data, seed=6).draw(clips, 1)[0])
    # A clip's draw depends on no other clip of the batch.
    assert np.array_equal(one.draw(clips[10:], 1)[0], one.draw(clips, 1)[0][10:])


class Astray:
    """Draws a frame that there is not."""

    frames = F
    candidates = Segment(frames=F, per_segment=PER_SEGMENT).candidates

    def __call__(self, times: NDArray[np.float64], fps: float, *_: object) -> list[int]:
        return [0]

    def draw(self, times: NDArray[np.float64], generator: np.random.Generator) -> list[int]:
        return [len(times)]


def test_a_draw_of_no_frame_is_an_error() -> None:
    with pytest.raises(PluginError, match=r"Astray: clip train-0"):
        FrameDraws(Astray(), candidates(3), seed=0).draw(np.arange(3), 1)


@pytest.mark.parametrize("frozen", [False, True])
def test_training_on_drawn_frames(fabric: Fabric, tmp_path: Path, frozen: bool) -> None:
    """Losses are the same with any number of threads, and others than with other draws."""
    losses = {}
    for seed, workers in [(0, 0), (0, 4), (1, 4)]:
        found = train(
            fabric,
            build(frozen=frozen, dropout=0.0),
            candidates(30),
            tiny_split("val", 16),
            settings(epochs=2),
            seed=seed,
            folder=tmp_path / f"{seed}-{workers}",
            sampler=Segment(frames=F, per_segment=PER_SEGMENT),
            workers=workers,
        )
        losses[seed, workers] = [step["loss"] for step in found.history["steps"]]
    assert losses[0, 0] == losses[0, 4] != losses[1, 4]


def test_training_does_not_depend_on_workers(fabric: Fabric, tmp_path: Path) -> None:
    found = [run(fabric, build(), tmp_path / str(n), workers=n).history["steps"] for n in WORKERS]
    assert found[0] == found[1] == found[2]

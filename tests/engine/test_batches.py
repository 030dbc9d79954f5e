"""Which clips and captions meet."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine_cases import tiny_split
from tcmgc import DataError
from tcmgc.engine.batches import BatchOrder

if TYPE_CHECKING:
    from tcmgc.data.clip import Clip, Split


@pytest.mark.parametrize(
    ("clips", "sizes"), [(16, [8, 8]), (18, [8, 8, 2]), (17, [8, 8]), (3, [3]), (2, [2])]
)
def test_every_clip_once(clips: int, sizes: list[int]) -> None:
    split = tiny_split("train", clips, captions=3).split
    order = BatchOrder(split, 8, seed=0)
    batches = order.epoch(1)
    assert [len(batch.clips) for batch in batches] == sizes
    assert len(order) == len(sizes)
    seen = np.concatenate([batch.clips for batch in batches])
    assert len(np.unique(seen)) == len(seen) == sum(sizes)
    for batch in batches:
        assert (split.clip_of_caption[batch.captions] == batch.clips).all()


def test_order_and_captions_are_of_seed_and_epoch_alone() -> None:
    split = tiny_split("train", 40, captions=3).split

    def order(seed: int, epoch: int) -> list[int]:
        return [c for batch in BatchOrder(split, 8, seed).epoch(epoch) for c in batch.captions.tolist()]

    forwards = BatchOrder(split, 8, seed=0)
    first, second = forwards.epoch(1), forwards.epoch(2)
    assert [c for batch in second for c in batch.captions.tolist()] == order(0, 2)
    assert [c for batch in first for c in batch.captions.tolist()] == order(0, 1)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (1, 2)}) == 4


def test_every_caption_has_its_turn() -> None:
    split = tiny_split("train", 40, captions=3).split
    order = BatchOrder(split, 8, seed=0)
    seen = Counter(c for epoch in range(90) for batch in order.epoch(epoch) for c in batch.captions.tolist())
    assert len(seen) == 120
    assert min(seen.values()) > 10  # 30 on average; a fair draw goes below in one of 10^6 cases


def grouped(clips: int, size: int) -> Split:
    split = tiny_split("train", clips, captions=2).split
    # Not side by side, and in no order: a group is told by its name alone.
    groups = [f"group {index * 7 % clips // size}" for index in range(clips)]
    return replace(split, clips=tuple(map(set_group, split.clips, groups)))


def set_group(clip: Clip, group: str) -> Clip:
    return replace(clip, group=group)


@pytest.mark.parametrize("size", [2, 4])
def test_hard_negatives_meet(size: int) -> None:
    split = grouped(48, size)
    plain, order = BatchOrder(split, 8, seed=0), BatchOrder(split, 8, seed=0, hard_negatives=True)
    epochs = [order.epoch(1), order.epoch(2)]
    for batches in epochs:
        assert sorted(c for batch in batches for c in batch.clips.tolist()) == list(range(48))
        for batch in batches:
            assert (split.clip_of_caption[batch.captions] == batch.clips).all()
            groups = Counter(split.clips[clip].group for clip in batch.clips)
            assert set(groups.values()) == {size}
    # Neither the same groups meet again, nor does a group keep its order.
    assert all((a.clips != b.clips).any() for a, b in zip(*epochs, strict=True))
    first = [{split.clips[clip].group for clip in batch.clips} for batch in epochs[0]]
    assert {split.clips[clip].group for clip in epochs[1][0].clips} not in first
    apart = [Counter(split.clips[clip].group for clip in batch.clips) for batch in plain.epoch(1)]
    assert any(set(groups.values()) != {size} for groups in apart)


def test_hard_negatives_that_the_data_set_does_not_know() -> None:
    split = grouped(8, 2)
    split = replace(split, clips=(*split.clips[:5], replace(split.clips[5], group=None), *split.clips[6:]))
    with pytest.raises(DataError, match="clip train-5 in no group"):
        BatchOrder(split, 4, seed=0, hard_negatives=True)


def test_one_clip_has_no_contrast() -> None:
    with pytest.raises(DataError, match="1 clip"):
        BatchOrder(tiny_split("train", 1).split, 8, seed=0)

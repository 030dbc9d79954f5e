"""Encoding and scoring a split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from engine_cases import build, tiny_split
from tcmgc.engine import encode as encode_module
from tcmgc.engine.encode import encode
from tcmgc.engine.frame_order import shuffled
from tcmgc.engine.score import score, score_features

if TYPE_CHECKING:
    import pytest
    from lightning_fabric import Fabric


def test_chunks_equal_the_whole(fabric: Fabric, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = build(), tiny_split("test", 10, captions=2)
    whole = score(fabric, model, data)
    monkeypatch.setattr(encode_module, "CAPTIONS", 3)
    monkeypatch.setattr(encode_module, "PIXELS", 2 * data.pixels[0].size + 1)
    model.encoder.largest_chunk = 0  # type: ignore[attr-defined]
    calls: list[tuple[int, int]] = []
    chunked = score(fabric, model, data, progress=lambda done, total: calls.append((done, total)))
    assert model.encoder.largest_chunk == 2  # type: ignore[attr-defined]
    assert whole.total.shape == (20, 10)
    assert torch.allclose(chunked.total, whole.total, atol=1e-5)
    assert chunked.parts.keys() == whole.parts.keys()
    assert calls == sorted(calls)
    assert calls[-1] == (30, 30)


def test_scores_are_the_models(fabric: Fabric) -> None:
    model, data = build(dropout=0.5), tiny_split("test", 10)
    tokens = model.encoder.tokenize([caption.text for caption in data.split.captions])
    text = model.encode_text(tokens)
    video = model.encode_video(torch.from_numpy(data.pixels), torch.from_numpy(data.mask))
    expected = model.head.similarity(text, video)
    found = score(fabric, model.train(), data)
    assert torch.allclose(found.total, expected, atol=1e-5)
    found.total.add_(1.0)  # ordinary tensors, that a normalizer may change
    assert not found.total.requires_grad


def test_features_can_be_scored_twice(fabric: Fabric) -> None:
    model, data = build(), tiny_split("test", 10)
    text, video = encode(fabric, model, data)
    assert torch.equal(score_features(model, text, video).total, score(fabric, model, data).total)


def test_mapped_frames(fabric: Fabric) -> None:
    """Frames that may not be written to, as those of a mapped file."""
    model, data = build(), tiny_split("test", 10)
    expected = score(fabric, model, data).total
    data.pixels.flags.writeable = False
    data.mask.flags.writeable = False
    assert torch.equal(score(fabric, model, data).total, expected)


def test_shuffled_frames(fabric: Fabric) -> None:
    data = tiny_split("test", 20)
    order_VF = shuffled(data, seed=0)
    for order_F, mask_F in zip(order_VF, data.mask, strict=True):
        assert sorted(order_F) == [0, 1, 2]
        assert set(order_F[mask_F]) == set(np.flatnonzero(mask_F)), "padding stays"
    assert len({tuple(order_F) for order_F in order_VF}) > 3
    assert (shuffled(data, seed=0) == order_VF).all()
    assert (shuffled(data, seed=1) != order_VF).any()
    fewer = tiny_split("test", 20)
    clips = fewer.split.clips[10:]
    ids = {clip.id for clip in clips}
    captions = tuple(caption for caption in fewer.split.captions if caption.clip in ids)
    split = type(fewer.split)("test", clips, captions, "all", 10)
    part = type(fewer)(split, fewer.pixels[10:], fewer.mask[10:], fewer.times[10:])
    assert (shuffled(part, seed=0) == order_VF[10:]).all(), "of the clip, not of its gallery"


def test_shuffling_changes_what_looks_at_order(fabric: Fabric) -> None:
    model, data = build("xclip"), tiny_split("test", 20)
    given = score(fabric, model, data).total
    assert torch.equal(given, score(fabric, model, data, frame_order="given", seed=3).total)
    mixed = score(fabric, model, data, frame_order="shuffled", seed=3).total
    assert not torch.allclose(given, mixed, atol=1e-3)
    assert torch.equal(mixed, score(fabric, model, data, frame_order="shuffled", seed=3).total)
    # Frames that are averaged have no order.
    model = build("xclip", overrides=["stages.video=[]", "losses={infonce: 1.0}"])
    text, video = encode(fabric, model, data)
    text2, video2 = encode(fabric, model, data, frame_order=shuffled(data, 3))
    assert torch.allclose(video.frames.values.sum(dim=1), video2.frames.values.sum(dim=1), atol=1e-5)
    assert not torch.equal(video.frames.values, video2.frames.values)
    assert text.sentence is not None
    assert text2.sentence is not None
    assert torch.equal(text.sentence, text2.sentence)

"""Where scores go: memory, a mapped file, and the columns of several devices."""

from __future__ import annotations

import errno
import os
from threading import Lock
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import tcmgc
from model_cases import SIZES, galleries
from tcmgc import ConfigError, DataError
from tcmgc.files.disk import UnwritableError
from tcmgc.files.scores_file import scores_file
from tcmgc.several_devices import scores_on
from tcmgc.tile_compiler import Compilation
from tcmgc.tiles import Tiling

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tcmgc import Scores
    from tcmgc.slots.scorer import Scorer

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")


@pytest.fixture
def model() -> tcmgc.RetrievalModel:
    """TC-MGC's."""
    return tcmgc.build("tcmgc", SIZES, seed=1, dtype=torch.float64)


def all_of(scores: Scores) -> Iterable[tuple[str, torch.Tensor]]:
    return [("total", scores.total), *scores.parts.items()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_file_is_filled_tile_by_tile(tmp_path: Path, dtype: torch.dtype) -> None:
    model = tcmgc.build("tcmgc", SIZES, seed=1, dtype=dtype)
    text, video = galleries()
    text, video = text.to(dtype=dtype), video.to(dtype=dtype)
    path = tmp_path / "deep" / "scores.safetensors"
    with scores_file(path, {"recipe": "tcmgc", "odd": "ä\n"}) as allocate:
        scores = model.scores(text, video, tiling=Tiling(2, 2), allocate=allocate)
        assert not path.exists()
        assert torch.equal(scores.total, model.scores(text, video, tiling=Tiling(2, 2)).total)
    found = load_file(path)
    expected = dict(all_of(model.scores(text, video, tiling=Tiling(2, 2))))
    assert found.keys() == {"similarity", *(f"parts.{name}" for name in expected if name != "total")}
    for name, tensor in expected.items():
        assert torch.equal(found["similarity" if name == "total" else f"parts.{name}"], tensor)
    with safe_open(path, "pt") as opened:
        assert opened.metadata() == {"recipe": "tcmgc", "odd": "ä\n"}
    assert list(path.parent.iterdir()) == [path]


def test_what_was_there_stays_where_scoring_fails(tmp_path: Path, model: tcmgc.RetrievalModel) -> None:
    text, video = galleries()
    path = tmp_path / "scores.safetensors"
    path.write_bytes(b"before")
    video.frames.values[3, 0, 0] = torch.inf
    with pytest.raises(DataError, match="video 3"), scores_file(path, {}) as allocate:
        model.scores(text, video, tiling=Tiling(1, 1), allocate=allocate)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_known_before_anything_is_scored(
    tmp_path: Path, model: tcmgc.RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    path = tmp_path / "scores.safetensors"
    with (
        pytest.raises(UnwritableError, match="No space left on device"),
        scores_file(path, {}) as allocate,
    ):
        model.scores(*galleries(), allocate=allocate)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_devices_share_the_videos(model: tcmgc.RetrievalModel, count: int) -> None:
    text, video = galleries()
    calls: list[int] = []
    scores = scores_on(["cpu"] * count, model, text, video, progress=lambda done, _: calls.append(done))
    for (_, found), (_, expected) in zip(all_of(scores), all_of(model.scores(text, video)), strict=True):
        assert torch.allclose(found, expected, atol=1e-12)
    assert max(calls) == len(text) * len(video)


def test_devices_write_one_file(tmp_path: Path, model: tcmgc.RetrievalModel) -> None:
    text, video = galleries()
    with scores_file(tmp_path / "scores", {}) as allocate:
        scores_on(["cpu", "cpu"], model, text, video, allocate=allocate)
    found = load_file(tmp_path / "scores")["similarity"]
    assert torch.allclose(found, model.scores(text, video).total, atol=1e-12)


def test_a_bad_video_is_named_whichever_device_has_it(model: tcmgc.RetrievalModel) -> None:
    text, video = galleries()
    last = len(video) - 1
    video.frames.values[last, 0, 0] = torch.inf
    with pytest.raises(DataError, match=f"video {last}"):
        scores_on(["cpu", "cpu"], model, text, video)


def test_some_device_is_needed(model: tcmgc.RetrievalModel) -> None:
    with pytest.raises(ConfigError, match="devices"):
        scores_on([], model, *galleries())


def test_an_error_of_the_scoring_is_not_one_of_the_disk(tmp_path: Path, model: tcmgc.RetrievalModel) -> None:
    def broken(*_: int) -> None:
        raise BrokenPipeError("the terminal is gone")

    with pytest.raises(BrokenPipeError), scores_file(tmp_path / "scores", {}) as allocate:
        model.scores(*galleries(), progress=broken, allocate=allocate)
    assert not list(tmp_path.iterdir())


def test_seconds_of_compiling_are_those_of_all_devices(
    model: tcmgc.RetrievalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(self: Compilation, scorer: Scorer, first: object) -> Scorer:
        self.seconds += 2.0
        return scorer

    monkeypatch.setattr(Compilation, "compiled", slowly)
    model.compilation.policy, model.compilation.notify = "always", Lock().acquire
    scores_on(["cpu", "cpu"], model, *galleries())
    assert model.compilation.seconds == 4.0

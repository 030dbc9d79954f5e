"""Weights that fit into a package, and come back whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from tcmgc.errors import DataError
from tcmgc_plugins.encoders.storyshapes_clip import compact_weights
from tcmgc_plugins.encoders.storyshapes_clip.compact_weights import IDS, ROWS, TABLE, compact, expanded

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc_plugins.encoders.open_clip_encoder import OpenClip


def test_compact_weights_come_back_whole(
    encoder: OpenClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    state = encoder.clip.state_dict()
    kept = [0, 320, 49406, 49407]
    small = compact(state, kept)
    assert small[ROWS].shape == (4, 64)
    assert small[IDS].tolist() == kept
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "weights.safetensors"
    save_file(small, path, {"tokens": "49408"})
    full = load_file(expanded(path))
    assert full.keys() == state.keys()
    for name, tensor in state.items():
        if name == TABLE:
            torch.testing.assert_close(full[name][kept], tensor[kept], atol=1e-4, rtol=1e-3)
            assert full[name].abs().sum() == full[name][kept].abs().sum()
        else:
            torch.testing.assert_close(full[name], tensor, atol=1e-3, rtol=1e-3)


@pytest.fixture
def compacted(encoder: OpenClip, tmp_path: Path) -> Path:
    """A compact file; the cache folder is empty."""
    (tmp_path / "mine").mkdir()
    path = tmp_path / "mine" / "weights.safetensors"
    save_file(compact(encoder.clip.state_dict(), [0, 49407]), path, {"tokens": "49408"})
    return path


def test_unpacked_weights_are_made_once(compacted: Path) -> None:
    full = expanded(compacted)
    before = full.stat()
    assert full.name.endswith("-v1.safetensors")
    assert expanded(compacted).stat().st_ino == before.st_ino


@pytest.mark.parametrize("damage", ["cut off", "empty", "other tensors", "other types"])
def test_damaged_unpacked_weights_are_made_again(damage: str, compacted: Path) -> None:
    full = expanded(compacted)
    whole = full.read_bytes()
    state = load_file(full)
    match damage:
        case "cut off":
            full.write_bytes(whole[:-1000])
        case "empty":
            full.write_bytes(b"")
        case "other tensors":
            save_file({"visual.proj": torch.zeros(3, 3)}, full)
        case _:
            save_file({name: tensor.half() for name, tensor in state.items()}, full)
    assert expanded(compacted) == full
    assert full.read_bytes() == whole


def test_another_expansion_is_another_file(compacted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = expanded(compacted)
    monkeypatch.setattr(compact_weights, "FORMAT", 0)
    assert expanded(compacted) != full


def test_a_cache_that_cannot_be_written(
    compacted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=f"{tmp_path}/file/weights/mine-") as caught:
        expanded(compacted)
    assert "TCMGC_CACHE=DIR" in str(caught.value)


def test_weights_that_are_not_compact(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"no weights")
    with pytest.raises(DataError, match=r"compact weights .*weights\.safetensors"):
        expanded(tmp_path / "weights.safetensors")

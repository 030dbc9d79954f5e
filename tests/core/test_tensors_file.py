"""Tensors reach the disk whole, or the reader of an error knows where and why they did not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import torch

from limits import limited_files
from tcmgc.files.disk import UnwritableError, write_text
from tcmgc.files.similarity_file import load_similarity
from tcmgc.files.tensors import open_tensors, write_tensors

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = {"a": torch.ones(2)}, {"a": torch.ones(5000)}


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.safetensors"
    write_tensors(path, SMALL, {})
    with limited_files(4096), pytest.raises(UnwritableError) as caught:
        write_tensors(path, LARGE, {})
    assert caught.value.where == f"tensors {path}"
    assert caught.value.found == "cannot be written: File too large"
    assert "--out" in str(caught.value.hint)
    # What was there stays, and nothing else is left.
    with open_tensors(path, "weights") as file:
        assert torch.equal(file.get_tensor("a"), SMALL["a"])
    assert [found.name for found in tmp_path.iterdir()] == ["weights.safetensors"]
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path))
    with limited_files(4096), pytest.raises(UnwritableError, match=r"hint: .*TCMGC_CACHE=DIR"):
        write_tensors(path, LARGE, {})


@pytest.mark.parametrize("length", [640, 896, 1152, 1408])
def test_a_header_as_long_as_a_pickle_begins(length: int, tmp_path: Path) -> None:
    """The first bytes of a safetensors file are its header's length; these are 80 02 to 80 05."""
    path = tmp_path / "weights.safetensors"
    write_tensors(path, {"similarity": torch.ones(2, 2)}, {"note": ""})
    missing = length - int.from_bytes(path.read_bytes()[:8], "little")
    write_tensors(path, {"similarity": torch.ones(2, 2)}, {"note": "x" * missing})
    assert path.read_bytes()[:2] == bytes([0x80, length >> 8])
    with open_tensors(path, "weights") as file:
        assert list(file.keys()) == ["similarity"]
    assert load_similarity(path).shape == (2, 2)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match=r"found: .*cannot be written: "):
        write_tensors(tmp_path / "file" / "weights.safetensors", SMALL, {})


@pytest.mark.parametrize("kind", ["tensors", "text"])
def test_the_bytes_are_on_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    synced: list[tuple[int, int]] = []
    path = tmp_path / "file"

    def fsync(descriptor: int) -> None:
        assert not path.exists()
        found = os.fstat(descriptor)
        synced.append((found.st_ino, found.st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    if kind == "tensors":
        write_tensors(path, SMALL, {})
    else:
        write_text(path, "text")
    assert synced == [(path.stat().st_ino, path.stat().st_size)]

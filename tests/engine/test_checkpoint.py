"""Files of a training that are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from engine_cases import build, run
from tcmgc import DataError
from tcmgc.engine.checkpoint import FILE, changing
from tcmgc.files.tensors import write_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric


def test_only_what_changes_is_kept(fabric: Fabric, tmp_path: Path) -> None:
    run(fabric, build(frozen=True), tmp_path, epochs=1)
    with safe_open(tmp_path / FILE, "pt") as file:
        names = set(file.keys())
    assert not [name for name in names if name.startswith("model.encoder.")]
    assert "model.head.logit_scale" in names
    assert [name for name in names if name.startswith("optimizer.")]


@pytest.mark.parametrize("killed_at", [2, 3, 4])
def test_killed_while_it_writes(
    fabric: Fabric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """Between the best weights and the state, or before both: no mixture of two epochs is read."""
    expected = run(fabric, build("xclip"), tmp_path / "whole", learning_rate=3e-3)
    files: list[str] = []

    def write(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
        files.append(path.name)
        if len(files) == killed_at:
            (path.parent / ".tcmgc-torn").write_bytes(b"half a file")
            raise KeyboardInterrupt
        write_tensors(path, tensors, metadata)

    model = build("xclip")
    with monkeypatch.context() as patch:
        patch.setattr("tcmgc.engine.checkpoint.write_tensors", write)
        with pytest.raises(KeyboardInterrupt):
            run(fabric, model, tmp_path / "parts", learning_rate=3e-3)
    assert files[:2] == ["best-1.safetensors", "checkpoint.safetensors"]
    training = run(fabric, build("xclip"), tmp_path / "parts", learning_rate=3e-3)
    assert training.history["steps"] == expected.history["steps"]
    assert training.selection == expected.selection
    assert not (tmp_path / "parts" / ".tcmgc-torn").exists()


def test_buffers_are_kept() -> None:
    model = build()
    model.encoder.register_buffer("mean", torch.ones(3))  # type: ignore[attr-defined]
    assert "encoder.mean" in changing(model)


def test_a_pickle_is_refused(fabric: Fabric, tmp_path: Path) -> None:
    torch.save({}, tmp_path / FILE)
    with pytest.raises(DataError, match="pickle"):
        run(fabric, build(), tmp_path)


def test_another_file(fabric: Fabric, tmp_path: Path) -> None:
    save_file({"a": torch.ones(1)}, tmp_path / FILE, {"tcmgc": "{}"})
    with pytest.raises(DataError, match="no state of a training"):
        run(fabric, build(), tmp_path)


def test_weights_of_another_shape(fabric: Fabric, tmp_path: Path) -> None:
    run(fabric, build(), tmp_path, epochs=1)
    with safe_open(tmp_path / FILE, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    name = "encoder.text_projection.weight"
    tensors[f"model.{name}"] = torch.ones(2, 2)
    save_file(tensors, tmp_path / FILE, metadata)
    with pytest.raises(DataError, match=f"{name}\n  found:    \\[2, 2\\]\n  expected: \\[16, 16\\]"):
        run(fabric, build(), tmp_path, epochs=1)

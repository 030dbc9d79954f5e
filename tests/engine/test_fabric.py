"""Devices and precisions, and those that are not there."""

from __future__ import annotations

import pytest
import torch

from tcmgc import ConfigError
from tcmgc.engine.fabric import make_fabric, precision_of


def test_the_cpu_computes_in_float32() -> None:
    fabric = make_fabric("cpu")
    assert fabric.device == torch.device("cpu")
    assert precision_of(fabric) == "32-true"
    assert precision_of(make_fabric("cpu", "bf16-mixed")) == "bf16-mixed"


def test_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert make_fabric("auto").device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_auto_takes_the_gpu() -> None:
    fabric = make_fabric("auto")
    assert fabric.device == torch.device("cuda:0")
    narrow = torch.cuda.is_bf16_supported(including_emulation=False)
    assert precision_of(fabric) == ("bf16-mixed" if narrow else "32-true")


def test_no_cuda_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="no CUDA device") as caught:
        make_fabric("cuda")
    assert caught.value.expected == "cpu, or auto"


def test_too_large_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="2 CUDA device") as caught:
        make_fabric("cuda:2")
    assert caught.value.expected == "cuda:0 to cuda:1"


def test_unknown_names() -> None:
    with pytest.raises(ConfigError, match="did you mean 'cuda'"):
        make_fabric("cud")
    with pytest.raises(ConfigError, match="did you mean 'bf16-mixed'"):
        make_fabric("cpu", "bf16-mix")


@pytest.mark.parametrize("said", ["x", "", "-1"])
def test_a_launcher_that_says_nonsense(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("WORLD_SIZE", said)
    with pytest.raises(ConfigError, match=r"WORLD_SIZE\n  found: .*\n  expected: .*\n  hint: .*unset"):
        make_fabric("cpu")


def test_torchrun_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ConfigError, match="4 processes"):
        make_fabric("cpu")

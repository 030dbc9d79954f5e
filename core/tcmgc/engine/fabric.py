"""Where and how precisely to compute: a Lightning Fabric of one device."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal, get_args

import torch

from tcmgc.errors import ConfigError, nearest

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Precision = Literal["auto", "32-true", "bf16-mixed"]
DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")


def make_fabric(device: str = "auto", precision: str = "auto") -> Fabric:
    """Make a Fabric of one device.

    Parameters
    ----------
    device
        ``auto`` (a CUDA device where there is one, else the CPU), ``cpu``, ``cuda`` or ``cuda:1``.
    precision
        ``32-true``; ``bf16-mixed``, in which the encoder computes in bfloat16 while weights, scores and
        losses stay in float32; ``auto``, which is the second on a CUDA device that computes in
        bfloat16, else the first.

    Raises
    ------
    ConfigError
        When there is no such device or precision, or more than one process was launched.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins import MixedPrecision
    from lightning_fabric.plugins.precision import Precision as FullPrecision

    refuse_several(_processes())
    index = _cuda_index(device)
    known = get_args(Precision)
    if precision not in known:
        raise ConfigError(
            f"precision {precision!r}",
            found="an unknown precision",
            expected=f"one of {', '.join(known)}",
            hint=nearest(precision, known),
        )
    if precision == "auto":
        narrow = index is not None and torch.cuda.is_bf16_supported(including_emulation=False)
        precision = "bf16-mixed" if narrow else "32-true"
    kind = "cpu" if index is None else "cuda"
    # As a plugin: Fabric announces mixed precision on standard error when it is asked for by name.
    plugin = MixedPrecision("bf16-mixed", kind) if precision == "bf16-mixed" else FullPrecision()
    return Fabric(accelerator=kind, devices=1 if index is None else [index], plugins=plugin)


def refuse_several(processes: int) -> None:
    """Refuse to compute in several processes: each would train on its own, and all would write."""
    if processes > 1:
        raise ConfigError(
            "devices",
            found=f"{processes} processes",
            expected="one: training on several devices is not there yet",
            hint="start it without torchrun; several runs can train at once, each on its own device",
        )


def _processes() -> int:
    """Return how many processes a launcher says there are."""
    said = os.environ.get("WORLD_SIZE", "1")
    if not said.isdecimal():
        raise ConfigError(
            "environment variable WORLD_SIZE",
            found=repr(said),
            expected="the number of processes, which a launcher sets",
            hint="unset WORLD_SIZE",
        )
    return int(said)


def precision_of(fabric: Fabric) -> str:
    """Name a Fabric's precision, as ``32-true``."""
    return str(fabric._precision.precision)


def _cuda_index(device: str) -> int | None:
    """Return the CUDA device's number; None for the CPU."""
    if not DEVICE.fullmatch(device):
        raise ConfigError(
            f"device {device!r}",
            found="an unknown device",
            expected="auto, cpu, cuda, or cuda and a number, as cuda:1",
            hint=nearest(device, ["auto", "cpu", "cuda"]),
        )
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "cpu" or (device == "auto" and not there):
        return None
    index = int(device.partition(":")[2] or 0)
    if index >= there:
        raise ConfigError(
            f"device {device!r}",
            found=f"{there} CUDA device(s)" if there else "no CUDA device that this PyTorch can use",
            expected=f"cuda:0 to cuda:{there - 1}" if there else "cpu, or auto",
            hint=None if there else "python -c 'import torch; print(torch.version.cuda)' says what it is for",
        )
    return index

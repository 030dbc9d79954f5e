"""Where a run was computed; recorded beside its numbers, and no part of its identity."""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from tcmgc import __version__

DISTRIBUTION = "tcmgc"


def environment(device: str, precision: str) -> dict[str, Any]:
    """Describe the machine and the software.

    Parameters
    ----------
    device
        ``cpu``, ``cuda:0``, ... as torch calls it.
    precision
        As Fabric calls it.
    """
    import torch

    on_cuda = device.startswith("cuda")
    return {
        "tcmgc": __version__,
        "python": platform.python_version(),
        **_required(),
        "device": device,
        "device_name": torch.cuda.get_device_name(device) if on_cuda else _processor(),
        "cuda": torch.version.cuda if on_cuda else None,
        "precision": precision,
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _required() -> dict[str, str]:
    """Return the versions of the distributions that tcmgc requires, of those that are installed."""
    found = {}
    for requirement in requires(DISTRIBUTION) or []:
        if "extra ==" not in requirement:
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
            with suppress(PackageNotFoundError):
                found[name] = version(name)
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

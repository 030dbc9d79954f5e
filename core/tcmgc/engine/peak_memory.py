"""The most memory that a piece of work took."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import torch

PROCESS = Path("/proc/self")


class PeakMemory:
    """Measures from its making on.

    On a CUDA device it is what PyTorch allocated there; on the CPU the resident size of the process,
    with everything else that it holds, and known on Linux only.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]  # else there is nothing yet
                torch.cuda.reset_peak_memory_stats(device)
        else:
            with suppress(OSError):
                (PROCESS / "clear_refs").write_text("5")  # the kernel's way to begin a new peak

    def bytes(self) -> int | None:
        """Return the peak so far."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        with suppress(OSError):
            if found := re.search(r"VmHWM:\s+(\d+) kB", (PROCESS / "status").read_text()):
                return int(found[1]) * 1024
        return None

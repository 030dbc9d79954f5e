"""Randomness that depends on names alone, so that a resumed run equals an uninterrupted one."""

from __future__ import annotations

import hashlib
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


def derive(seed: int, *names: str | int) -> int:
    """Derive a seed of 63 bits: different names give unrelated ones."""
    text = "/".join(map(str, (seed, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[torch.Generator]:
    """Seed all global randomness for a while, and put back what was there.

    Dropout draws from PyTorch's global generators; a component of somebody else may draw from
    Python's or NumPy's.

    Parameters
    ----------
    seed
        From `derive`.
    device
        Whose generator is seeded besides the CPU's.

    Yields
    ------
    torch.Generator
        One on the device, for losses that draw.
    """
    python, numpy = random.getstate(), np.random.get_state()
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        try:
            torch.default_generator.manual_seed(seed)
            if cuda:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed % 2**32)
            yield torch.Generator(device).manual_seed(derive(seed, "losses"))
        finally:
            random.setstate(python)
            np.random.set_state(numpy)

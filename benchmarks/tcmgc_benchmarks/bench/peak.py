"""The most memory that a piece of work takes beside what it was given and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch.profiler import ProfilerActivity, profile

Work = Callable[[], Iterable[torch.Tensor]]
"""Does something, and returns the tensors that are its result."""


def peak_bytes(work: Work, device: str) -> int:
    """Return the bytes of a device's tensors that were alive at the worst moment, less those of the result.

    On a CUDA device they are counted by PyTorch's allocator. On the CPU every allocation of this thread is
    recorded: use one thread. What libraries allocate for themselves is in neither.
    """
    if device != "cpu":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = sum(tensor.nbytes for tensor in work())
        return torch.cuda.max_memory_allocated() - before - result
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        result = sum(tensor.nbytes for tensor in work())
    events = record.profiler.kineto_results.events()
    changes = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    alive = worst = 0
    for _, change in changes:
        alive += change
        worst = max(worst, alive)
    return worst - result

"""Tiles side by side: on a CPU every core has a tile of its own, in place of a share of every operation.

A tile is dozens of small operations. Where each is spread over all cores, they wait for each other at the
end of each, and for whatever else the machine is doing.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
R = TypeVar("R")


class Inline:
    """Does work when it is handed in, in the caller's thread."""

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Do it; an exception is raised here and now."""
        future: Future[R] = Future()
        future.set_result(work(*args, **kwargs))
        return future


class TilePool:
    """Does work in threads of one core each, in the order in which it was handed in.

    Parameters
    ----------
    executor
        Its threads.
    """

    def __init__(self, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._inference = torch.is_inference_mode_enabled()

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Do it without gradients, in the inference mode of the thread that made the pool."""

        def without_gradients() -> R:
            with torch.inference_mode(self._inference), torch.no_grad():
                return work(*args, **kwargs)

        return self._executor.submit(without_gradients)


def worker_count(device: torch.device, tiles: int) -> int:
    """Say how many tiles are worked on at a time: as many as PyTorch has threads on a CPU, else one.

    Under autocast, which a thread does not hand on to another, it is one.
    """
    if device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return 1
    return max(1, min(torch.get_num_threads(), tiles))


@contextmanager
def tile_pool(workers: int) -> Iterator[Inline | TilePool]:
    """Make a pool; what it was not done with at an error is dropped."""
    if workers == 1:
        yield Inline()
        return
    threads = torch.get_num_threads()
    _keep_freed_memory()
    executor = ThreadPoolExecutor(workers, "tile", initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield TilePool(executor)
    finally:
        executor.shutdown(cancel_futures=True)
        # A thread's number is its own, but threads that are made later take the last one that was set.
        torch.set_num_threads(threads)


def _keep_freed_memory() -> None:
    """Let glibc keep what a thread frees for what it asks for next, as it does in a program's main thread.

    A thread's own heap is given back to the system whenever its free end is larger than twice the largest
    block that was ever freed, up to 64 MB; until such a block was, every tile asks for its memory anew, and
    all of it is zeroed again: a quarter of the time. So one is freed here. Elsewhere it does no harm.
    """
    torch.empty(32 * 2**20 - 64 * 2**10, dtype=torch.uint8)

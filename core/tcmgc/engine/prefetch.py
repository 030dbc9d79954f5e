"""Work that is done ahead of who needs it: in order, and never more of it than was said."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

Item = TypeVar("Item")
Made = TypeVar("Made")


def prefetch(
    make: Callable[[Item], Made], items: Iterable[Item], workers: int
) -> Generator[Made, None, None]:
    """Make something of every item, while what was made before is in use.

    Parameters
    ----------
    make
        Depends on its item alone, so that the results do not depend on the number of threads. It pays where
        it lets go of the interpreter's lock, as copies of large arrays and reads from a disk do.
    items
        Taken one by one, by the thread that iterates.
    workers
        Threads; with 0 the calling thread makes each result when it is asked for.

    Yields
    ------
    object
        The results in the order of the items; at most ``workers`` + 1 are there or in work beside the one
        that was yielded last. An error comes in the place of its item.
    """
    if workers == 0:
        yield from map(make, items)
        return
    left = iter(items)
    with ThreadPoolExecutor(workers, thread_name_prefix="prefetch") as pool:
        ahead: deque[Future[Made]] = deque(pool.submit(make, item) for item in islice(left, workers + 1))
        try:
            while ahead:
                made = ahead.popleft().result()
                ahead.extend(pool.submit(make, item) for item in islice(left, 1))
                yield made
        finally:
            for future in ahead:  # who stops early does not wait for what nobody wants
                future.cancel()

"""The whole matrices of scores that tiles are put into: in memory, or in a file that is mapped."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from .scores import Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

Allocate: TypeAlias = "Callable[[Sequence[str], tuple[int, int], Tensor], Scores]"
"""Makes matrices of any content for the parts of these names, of a shape, and of a tile's type and device."""


def in_memory(parts: Sequence[str], shape: tuple[int, int], like: Tensor) -> Scores:
    """Make them where the tile is."""
    return Scores(like.new_empty(shape), {name: like.new_empty(shape) for name in parts})


class Sheet:
    """All T x V scores, filled by any number of threads.

    Parameters
    ----------
    shape
        (T, V).
    allocate
        Makes the matrices when the first tile says which parts there are.
    """

    def __init__(self, shape: tuple[int, int], allocate: Allocate = in_memory) -> None:
        self.shape = shape
        self._allocate = allocate
        self._lock = Lock()
        self._whole: Scores | None = None

    def put(self, rows: slice, columns: slice, total: Tensor, parts: dict[str, Tensor]) -> None:
        """Put scores of some texts and videos in their place."""
        with self._lock:
            if self._whole is None:
                self._whole = self._allocate(list(parts), self.shape, total)
            whole = self._whole
        whole.total[rows, columns] = total
        for name, part in parts.items():
            whole.parts[name][rows, columns] = part

    @property
    def scores(self) -> Scores:
        """What has been put."""
        assert self._whole is not None, "galleries are never empty: features are checked"
        return self._whole

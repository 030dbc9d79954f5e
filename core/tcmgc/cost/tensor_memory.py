"""The memory of the tensors that are made by a piece of work."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class TensorMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the tensors that operations of this thread make inside of it, for as long as they live.

    Tensors that were there before, and views, take nothing. What an operation allocates for itself and gives
    back before it ends is not seen.

    Attributes
    ----------
    alive : int
        Bytes, now.
    peak : int
        Bytes, at the worst moment so far.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive = 0
        self.peak = 0
        self._known: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        for storage in _storages((args, kwargs)):
            self._know(storage, 0)
        result = func(*args, **(kwargs or {}))
        for storage in _storages(result):
            self._know(storage, storage.nbytes())
        self.peak = max(self.peak, self.alive)
        return result

    def _know(self, storage: torch.UntypedStorage, size: int) -> None:
        """Count a storage when it is first seen, and take its size back when it is freed."""
        key = storage._cdata  # the same for every Python object of one storage
        if key in self._known:
            return

        def freed(_: weakref.ref[torch.UntypedStorage]) -> None:
            self._known.pop(key, None)
            self.alive -= size

        self._known[key] = weakref.ref(storage, freed)
        self.alive += size


def _storages(tree: Any) -> Iterator[torch.UntypedStorage]:
    for leaf in tree_iter(tree):
        if isinstance(leaf, torch.Tensor):
            yield leaf.untyped_storage()

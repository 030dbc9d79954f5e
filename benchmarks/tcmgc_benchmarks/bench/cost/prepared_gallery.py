"""A gallery of prepared videos of any size, in no more memory than is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.cost.index_bytes import state_bytes
from tcmgc.state import take

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcmgc.state import State


class PreparedGallery:
    """Prepared videos, copied until there are enough.

    Every video lies in memory of its own, so that reading one takes as long as in a real gallery. A gallery
    that is larger than the memory allowed is read over and over again: that is still far more than the
    processor's caches hold.

    Parameters
    ----------
    state
        Of some prepared videos.
    videos
        V, the size of the gallery.
    memory
        Bytes that it may take.

    Attributes
    ----------
    distinct : int
        Videos that lie in memory.
    """

    def __init__(self, state: State, videos: int, memory: int) -> None:
        given = len(next(iter(state.values())))
        self.videos = videos
        self.distinct = max(given, min(videos, memory * given // state_bytes(state)))
        places = torch.arange(self.distinct) % given
        self._state = {name: tensor[places.to(tensor.device)] for name, tensor in state.items()}

    def blocks(self, size: int) -> Iterator[tuple[slice, State]]:
        """Walk the gallery: where each block of at most ``size`` videos stands, and their state."""
        at = 0
        while at < self.videos:
            start = at % self.distinct
            length = min(size, self.distinct - start, self.videos - at)
            yield slice(at, at + length), take(self._state, slice(start, start + length))
            at += length

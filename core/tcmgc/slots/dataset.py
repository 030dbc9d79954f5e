"""The dataset slot: clips, captions and splits."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from tcmgc.data.clip import Split, SplitName


@runtime_checkable
class Dataset(Protocol):
    """Video files and their captions, in splits that share no clip."""

    @property
    def version(self) -> str:
        """What changes when the files or captions change; part of the protocol's fingerprint."""
        ...

    def prepare(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Make or verify the files that `split` names; does nothing the second time, may be killed.

        Parameters
        ----------
        progress
            Called with the clips that are ready and the clips in all.
        """
        ...

    def split(self, name: SplitName) -> Split:
        """Return a split; its files are there once `prepare` is done."""
        ...

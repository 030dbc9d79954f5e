"""The dataset slot: clips, captions and splits."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from tcmgc.data.audit import SplitAudit
from tcmgc.data.clip import Split, SplitName
from tcmgc.data.source import Source


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


@runtime_checkable
class Titled(Protocol):
    """A data set whose class knows what tables call it; others are called by name and choices."""

    @classmethod
    def title_of(cls, config: Mapping[str, Any]) -> str:
        """Name a data set with a resolved config, as ``MSR-VTT 1k-A, 9k train``."""
        ...


@runtime_checkable
class Sourced(Protocol):
    """A data set whose files come from elsewhere: ``tcmgc data links`` shows where from."""

    sources: ClassVar[tuple[Source, ...]]


@runtime_checkable
class Audited(Protocol):
    """A data set of files that may be missing: ``tcmgc data check`` says which are."""

    @property
    def splits(self) -> tuple[SplitName, ...]:
        """The splits that it has; others have all three."""
        ...

    def audit(self, name: SplitName) -> SplitAudit:
        """Say what is there of a split, and what is missing; that files are missing is no error here."""
        ...


@runtime_checkable
class Dropping(Protocol):
    """A data set that is told what to do without a video; for others it is an error."""

    drop_setting: ClassVar[str]
    """What a user writes to have clips left out, as ``dataset.missing=drop``: errors hint at it."""

    @property
    def drops(self) -> bool:
        """Whether clips whose video is missing or cannot be read are left out, and counted."""
        ...


@runtime_checkable
class Noted(Protocol):
    """A data set with something to be known by who reads its numbers: ``tcmgc data prepare`` says it."""

    @property
    def notes(self) -> list[str]:
        """A sentence each; asked for once `Dataset.prepare` is done."""
        ...


@runtime_checkable
class Miniaturized(Protocol):
    """A data set that can be tried without its files: ``tcmgc data mock`` has it write a miniature."""

    miniature_run: ClassVar[tuple[str, ...]]
    """A recipe and overrides with which ``tcmgc run`` takes minutes on a miniature, and needs no account."""

    def write_miniature(
        self, folder: Path, videos: int, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Write files of the true layout and names, with generated videos.

        The captions are the true ones where the data set was given its annotation files.

        Parameters
        ----------
        folder
            Empty, or not there.
        videos
            How many.
        progress
            Called with the videos written and the videos in all.

        Raises
        ------
        DataError
            When there are too few videos, or the folder holds something.
        """
        ...

"""What a miniature of a data set needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tcmgc.data.clip import SplitName

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc_plugins.datasets.annotated.entry import Entry

Entries: TypeAlias = Mapping[SplitName, Sequence["Entry"]]


@dataclass(frozen=True)
class Layout:
    """How a data set's files are laid out.

    Parameters
    ----------
    splits
        Those that have files of their own; a validation split that is held out from train has none.
    captions
        Captions a clip, where they are our own.
    entry
        From a split, a number and captions to a clip with an id of the data set's form.
    write
        Writes the annotation files into a folder; returns how many rows each has, by name.
    video
        From a clip's id to the path of its file below the folder.
    """

    splits: tuple[SplitName, ...]
    captions: int
    entry: Callable[[SplitName, int, Sequence[str]], Entry]
    write: Callable[[Path, Entries], dict[str, int]]
    video: Callable[[str], str]

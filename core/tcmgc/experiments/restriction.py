"""A part of a split, so that models that had other videos are evaluated on the same ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tcmgc.arrays import Int1D
    from tcmgc.data.clip import Split

SHOWN = 3
"""Ids that an error lists."""


@dataclass(frozen=True, eq=False)
class Restriction:
    """Some clips of a split with all their captions.

    Parameters
    ----------
    split
        What is left; it is expected to have as many clips and captions as before.
    clips, captions
        Their places in the whole split.
    """

    split: Split
    clips: Int1D
    captions: Int1D


def restrict(split: Split, ids: Collection[str], where: str) -> Restriction:
    """Leave the clips of a list, in the order of the split.

    Parameters
    ----------
    split
        All that is there.
    ids
        Of clips.
    where
        What errors call the list.

    Raises
    ------
    DataError
        When the split lacks one of them.
    """
    wanted = set(ids)
    if lacking := sorted(wanted - {clip.id for clip in split.clips}):
        raise DataError(
            where,
            found=f"{len(lacking):,} of {len(wanted):,} clips that the {split.name} split has not: "
            f"{some(lacking)}",
            expected="ids of clips that are there",
        )
    clips = np.array([row for row, clip in enumerate(split.clips) if clip.id in wanted], dtype=np.int64)
    captions = np.array(
        [row for row, caption in enumerate(split.captions) if caption.clip in wanted], dtype=np.int64
    )
    left = replace(
        split,
        clips=tuple(split.clips[row] for row in clips),
        captions=tuple(split.captions[row] for row in captions),
    )
    return Restriction(left, clips, captions)


def read_ids(path: Path) -> frozenset[str]:
    """Read a list of clips: an id a line, whatever characters it has; lines of nothing are left out.

    Raises
    ------
    DataError
        When the file cannot be read, or names no clip.
    """
    where, expected = f"list of clips {path}", "a text file with the id of a clip on each line"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(where, found="bytes that are no UTF-8", expected=expected) from None
    except OSError as error:
        raise DataError(where, found=(error.strerror or str(error)).lower(), expected=expected) from None
    ids = frozenset(line.removesuffix("\r") for line in text.split("\n")) - {""}
    if not ids:
        raise DataError(where, found="no id", expected=expected)
    return ids


def some(ids: list[str]) -> str:
    """List the first ids, and say how many more there are."""
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more

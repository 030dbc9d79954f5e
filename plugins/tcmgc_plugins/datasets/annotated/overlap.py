"""Clips of two splits that are cut from one source video."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .entry import Entry


def shared_sources(entries: Sequence[Entry], others: Sequence[Entry]) -> list[str]:
    """Return the ids of the entries whose source video is also that of one of the others.

    Entries whose source is not known count as sharing none.
    """
    sources = {entry.source for entry in others if entry.source is not None}
    return [entry.id for entry in entries if entry.source in sources]

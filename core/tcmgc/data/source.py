"""Where the parts of a data set are obtained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A part of a data set.

    Parameters
    ----------
    part
        Which files.
    where
        An address, or whom to ask.
    licence
        As its owner states it.
    size
        About how much it is.
    gone
        What is known to be missing, or not available any more.
    """

    part: str
    where: str
    licence: str
    size: str
    gone: str = ""

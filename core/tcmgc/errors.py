"""Errors that are said to a person.

Every error a user can cause derives from `TcmgcError`. The command line prints its message and
exits with status 2; from Python it is an ordinary exception. One mistake gives one message, which
says where, what was found and what was expected.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class TcmgcError(Exception):
    """A mistake in what was given to tcmgc.

    Parameters
    ----------
    where
        The file, the path inside it, the option or the tensor at fault.
    found
        What is there.
    expected
        What should be there.
    hint
        What to try: the nearest name, an option, a command.
    """

    def __init__(
        self, where: str, *, found: str | None = None, expected: str | None = None, hint: str | None = None
    ) -> None:
        self.where = where
        self.found = found
        self.expected = expected
        self.hint = hint
        lines = [where]
        if found is not None:
            lines.append(f"  found:    {found}")
        if expected is not None:
            lines.append(f"  expected: {expected}")
        if hint is not None:
            lines.append(f"  hint:     {hint}")
        super().__init__("\n".join(lines))


class ConfigError(TcmgcError):
    """A recipe, an override or a component's parameter is wrong."""


class PluginError(TcmgcError):
    """A plugin cannot be loaded, or registers what it may not."""


class DataError(TcmgcError):
    """A file of features, weights or similarities is wrong."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Suggest the known name closest to ``name``, as a hint; None where nothing is close."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else None

"""Quantities as a reader wants them, the same at the command line and in reports."""

from __future__ import annotations

from math import isfinite, log10

NOTHING = "–"
"""Stands where there is no number."""


def significant(value: float | None) -> str:
    """Write a quantity of any size with three significant digits; a dash for None.

    Parameters
    ----------
    value
        As microseconds a pair.
    """
    if value is None or not isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    digits = max(0, 2 - int(log10(abs(rounded(value))) // 1))
    return f"{value:,.{digits}f}"


def count(value: float | None) -> str:
    """Write a large count, as ``1.52 M``; a dash for None.

    Parameters
    ----------
    value
        As a number of parameters.
    """
    if value is None:
        return NOTHING
    for scale, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(rounded(value)) >= scale:
            return f"{significant(value / scale)} {unit}"
    return f"{value:.0f}"


def size(value: float | None) -> str:
    """Write a size in memory, as ``1.52 GB``; a dash for None.

    Parameters
    ----------
    value
        In bytes.
    """
    if value is None:
        return NOTHING
    return f"{count(value)}B" if rounded(value) >= 1000 else f"{value:.0f} B"


def short_time(microseconds: float | None) -> str:
    """Write a time that may be short, as ``9.40 µs``, ``12.0 ms`` or ``3.10 s``; a dash for None.

    Parameters
    ----------
    microseconds
        A time.
    """
    if microseconds is None:
        return NOTHING
    for scale, unit in ((1e6, "s"), (1e3, "ms")):
        if rounded(microseconds) >= scale:
            return f"{significant(microseconds / scale)} {unit}"
    return f"{significant(microseconds)} µs"


def rounded(value: float) -> float:
    """Return a number of three significant digits, as it will be written.

    Parameters
    ----------
    value
        Any finite number.
    """
    return float(f"{value:.3g}")

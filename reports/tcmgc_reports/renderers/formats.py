"""Numbers as a reader wants them, the same in every renderer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.readable import NOTHING, rounded, significant
from tcmgc_reports.board.comparison import ALPHA

if TYPE_CHECKING:
    from tcmgc_reports.board.leaderboard import Estimate

MINUS = "\N{MINUS SIGN}"
LEAST_P = 0.001


def decimal(value: float) -> str:
    """Write a metric: one digit after the point.

    Parameters
    ----------
    value
        In percent, or a rank.
    """
    return _minus(f"{value:.1f}")


def bracket(estimate: Estimate) -> str:
    """Write the interval of a metric, as ``[40.1, 46.3]``.

    Parameters
    ----------
    estimate
        The metric.
    """
    return f"[{decimal(estimate.low)}, {decimal(estimate.high)}]"


def spread(estimate: Estimate, seeds: tuple[int, ...]) -> str:
    """Write a standard deviation over seeds, as ``± 0.4``; a dash where several seeds have none.

    Parameters
    ----------
    estimate
        The metric.
    seeds
        Of the row; nothing is written for a single one.
    """
    if len(seeds) == 1:
        return ""
    return f"± {NOTHING if estimate.sd is None else decimal(estimate.sd)}"


def signed(value: float) -> str:
    """Write a difference with its sign.

    Parameters
    ----------
    value
        Points.
    """
    text = f"{value:+.1f}"
    return text[1:] if float(text) == 0.0 else _minus(text)


def signed_bracket(estimate: Estimate) -> str:
    """Write the interval of a difference; an end near nothing gets a digit more, to show its side.

    Parameters
    ----------
    estimate
        The difference.
    """
    ends = (
        _minus(f"{end:+.2f}") if 0.005 <= abs(end) < 0.05 else signed(end)
        for end in (estimate.low, estimate.high)
    )
    return f"[{', '.join(ends)}]"


def duration(seconds: float | None) -> str:
    """Write a time, as ``3 min 20 s``; a dash for None.

    Parameters
    ----------
    seconds
        A time.
    """
    if seconds is None:
        return NOTHING
    if rounded(seconds) < 60:
        return f"{significant(seconds)} s"
    whole, minutes = round(seconds), round(seconds / 60)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{minutes // 60} h {minutes % 60} min"


def p_value(p: float) -> str:
    """Write a p-value, as ``p = 0.23``; what is below the level of significance is not rounded to it.

    Parameters
    ----------
    p
        In (0, 1].
    """
    if p < LEAST_P:
        return f"p < {LEAST_P}"
    if p >= 0.1:
        return f"p = {p:.2f}"
    for digits in (2, 3, 4):
        text = f"{p:.{digits}g}"
        if (float(text) < ALPHA) == (p < ALPHA):
            return f"p = {text}"
    return f"p < {ALPHA}"


def seeds(numbers: tuple[int, ...]) -> str:
    """Write seeds, as ``0, 1`` or ``0-4``.

    Parameters
    ----------
    numbers
        Ascending.
    """
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 3 and last - first == len(numbers) - 1:
        return f"{first}-{last}"
    return ", ".join(map(str, numbers))


def _minus(text: str) -> str:
    return text.removeprefix("-") if float(text) == 0.0 else text.replace("-", MINUS)

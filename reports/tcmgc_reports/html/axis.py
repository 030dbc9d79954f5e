"""From numbers to places in a picture, and the round numbers to write at an axis."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """A stretch of numbers that goes from place ``start`` to place ``end``.

    Parameters
    ----------
    low, high
        The numbers at both ends; for a logarithmic axis their logarithms to base 10.
    start, end
        Their places, in pixels or percent.
    ticks
        Round numbers between the ends.
    logarithmic
        Whether equal factors take equal room.
    """

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a number.

        Parameters
        ----------
        value
            A number; a positive one on a logarithmic axis.
        """
        number = log10(value) if self.logarithmic else value
        return self.start + (self.end - self.start) * (number - self.low) / (self.high - self.low)


def linear_axis(
    values: Sequence[float], start: float, end: float, wanted: int = 5, least_step: float = 0.0
) -> Axis:
    """Make an axis that holds all values, its ends at round numbers.

    Parameters
    ----------
    values
        At least one.
    start, end
        Places of the ends.
    wanted
        About how many steps to take.
    least_step
        The least distance of two ticks: 1 where only whole numbers have a meaning.
    """
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 1.0, high + 1.0
    rough = max((high - low) / wanted, least_step)
    scale = 10.0 ** floor(log10(rough))
    step = next(step * scale for step in STEPS if step * scale >= rough * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(round(index * step, 10) for index in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], start, end, ticks)


def log_axis(values: Sequence[float], start: float, end: float) -> Axis:
    """Make a logarithmic axis that holds all values, its ends at powers of ten.

    Parameters
    ----------
    values
        Positive, at least one.
    start, end
        Places of the ends.
    """
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    if low == high:
        low, high = low - 1, high + 1
    return Axis(low, high, start, end, tuple(10.0**power for power in range(low, high + 1)), logarithmic=True)


def tick_label(value: float) -> str:
    """Write a round number as short as it goes.

    Parameters
    ----------
    value
        A tick.
    """
    return f"{value:.10g}".replace("-", "\N{MINUS SIGN}")

"""Dots with their intervals, a line for each row; as wide as there is room, text at its own size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .axis import linear_axis, tick_label
from .svg import element, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from tcmgc_reports.board.leaderboard import Estimate

    from .axis import Axis

LINE = 16
"""Pixels between the dots of one row."""


@dataclass(frozen=True)
class Dot:
    """A number to draw.

    Parameters
    ----------
    estimate
        The number and its interval.
    style
        A class of the style sheet.
    label
        What it is in words, for those who do not see it.
    """

    estimate: Estimate
    style: str
    label: str


def interval_axis(dots: Sequence[Dot], also: Sequence[float] = ()) -> Axis:
    """Make the axis for all dots of a chart, in percent of its width.

    Parameters
    ----------
    dots
        All of them.
    also
        Numbers that the axis has to hold too, as 0.
    """
    ends = [end for dot in dots for end in (dot.estimate.low, dot.estimate.high, dot.estimate.mean)]
    return linear_axis([*ends, *also], 4.0, 96.0)


def interval_track(dots: Sequence[Dot], axis: Axis, mark: float | None = None) -> Markup:
    """Draw the dots of one row.

    Parameters
    ----------
    dots
        Drawn below each other.
    axis
        The chart's.
    mark
        A number to draw a line at, as 0.
    """
    height = LINE * len(dots) + LINE
    parts = [_upright(axis(tick), height, "grid") for tick in axis.ticks]
    if mark is not None:
        parts.append(_upright(axis(mark), height, "zero"))
    for index, dot in enumerate(dots):
        y = LINE * (index + 1)
        low, high = percent(axis(dot.estimate.low)), percent(axis(dot.estimate.high))
        x = percent(axis(dot.estimate.mean))
        parts.append(element("line", x1=low, x2=high, y1=y, y2=y, class_=f"interval {dot.style}"))
        parts.append(element("circle", cx=x, cy=y, r=5, class_=f"dot {dot.style}"))
    label = "; ".join(dot.label for dot in dots)
    return element("svg", *parts, width="100%", height=height, role="img", aria_label=label)


def interval_scale(axis: Axis) -> Markup:
    """Write the numbers below a chart.

    Parameters
    ----------
    axis
        The chart's.
    """
    texts = [
        element("text", tick_label(tick), x=percent(axis(tick)), y=12, text_anchor="middle", class_="tick")
        for tick in axis.ticks
    ]
    return element("svg", *texts, width="100%", height=16, aria_hidden="true")


def _upright(x: float, height: float, style: str) -> Markup:
    return element("line", x1=percent(x), x2=percent(x), y1=0, y2=height, class_=style)

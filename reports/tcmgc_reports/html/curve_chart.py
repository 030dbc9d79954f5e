"""Training curves of a row: a line for each seed."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from .axis import linear_axis, tick_label
from .svg import element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from tcmgc_reports.board.leaderboard import Row, RowRun

    from .axis import Axis

WIDTH, HEIGHT = 320.0, 150.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 310.0, 10.0, 122.0
MOST_POINTS = 120
"""Of a line; more are averaged in groups, which a picture of this size does not show."""


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Parameters
    ----------
    points
        From left to right.
    chosen
        The point to mark, if any.
    """

    points: tuple[tuple[float, float], ...]
    chosen: tuple[float, float] | None = None


def loss_lines(row: Row) -> list[Line]:
    """List the loss by step, or by epoch where no steps were kept, a line for each seed.

    Parameters
    ----------
    row
        A row of the board.
    """
    lines = []
    for run in row.runs:
        steps = [(float(one.step), one.loss) for one in run.history.steps]
        epochs = [(float(one.epoch), one.loss) for one in run.history.epochs]
        points = [(x, y) for x, y in steps or epochs if y is not None and isfinite(y)]
        if points:
            lines.append(Line(_thinned(points)))
    return lines


def validation_lines(row: Row) -> list[Line]:
    """List validation R@1 of text to video by epoch, a line for each seed, the selected epoch marked.

    Parameters
    ----------
    row
        A row of the board.
    """
    return [line for run in row.runs if (line := _validation_line(run)).points]


def curve_chart(lines: Sequence[Line], across: str, label: str, up: Axis | None = None) -> Markup:
    """Draw lines.

    Parameters
    ----------
    lines
        At least one, with at least one point each.
    across
        What the horizontal axis is.
    label
        What the picture is in words.
    up
        The vertical axis; made to fit where it is left out.
    """
    points = [point for line in lines for point in line.points]
    x_axis = linear_axis([x for x, _ in points], LEFT, RIGHT, 4, least_step=1.0)
    y_axis = up or value_axis(lines)
    parts = []
    for tick in y_axis.ticks:
        y = y_axis(tick)
        parts.append(element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="grid"))
        text = element("text", tick_label(tick), x=LEFT - 6, y=y + 4, text_anchor="end", class_="tick")
        parts.append(text)
    for tick in x_axis.ticks:
        text = element(
            "text", tick_label(tick), x=x_axis(tick), y=BOTTOM + 14, text_anchor="middle", class_="tick"
        )
        parts.append(text)
    parts.append(
        element("text", across, x=(LEFT + RIGHT) / 2, y=HEIGHT - 1, text_anchor="middle", class_="tick")
    )
    for index, line in enumerate(lines):
        places = " ".join(f"{x_axis(x):.1f},{y_axis(y):.1f}" for x, y in line.points)
        parts.append(element("polyline", points=places, class_=f"curve seed-{index % 4}"))
        if line.chosen is not None:
            x, y = line.chosen
            parts.append(
                element("circle", cx=x_axis(x), cy=y_axis(y), r=4, class_=f"chosen seed-{index % 4}")
            )
    return element("svg", *parts, viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", role="img", aria_label=label)


def value_axis(lines: Sequence[Line]) -> Axis:
    """Make a vertical axis that holds all lines.

    Parameters
    ----------
    lines
        At least one point in all.
    """
    return linear_axis([y for line in lines for _, y in line.points], BOTTOM, TOP, 3)


def _validation_line(run: RowRun) -> Line:
    points = tuple(
        (float(one.epoch), value)
        for one in run.history.epochs
        if isfinite(value := one.val.get("t2v", {}).get("r1", float("nan")))
    )
    selection = run.record.selection
    chosen = [point for point in points if selection is not None and point[0] == selection.epoch]
    return Line(points, chosen[0] if chosen else None)


def _thinned(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    group = -(-len(points) // MOST_POINTS)
    groups = [points[start : start + group] for start in range(0, len(points), group)]
    return tuple((sum(x for x, _ in one) / len(one), sum(y for _, y in one) / len(one)) for one in groups)

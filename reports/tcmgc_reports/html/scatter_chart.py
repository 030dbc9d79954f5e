"""Quality against cost: a numbered point for each row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tcmgc_reports.renderers.formats import decimal

from .axis import linear_axis, log_axis, tick_label
from .svg import element, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from tcmgc_reports.board.leaderboard import Row
    from tcmgc_reports.renderers.costs import CostColumn

TOP, BOTTOM, HEIGHT = 16.0, 284.0, 330.0
RADIUS = 10


def has_cost(row: Row, cost: CostColumn) -> bool:
    """Tell whether a row can be drawn.

    Parameters
    ----------
    row
        A row of the board.
    cost
        Across.
    """
    return (row.cost.get(cost.name) or 0.0) > 0.0


def scatter_chart(rows: Sequence[Row], cost: CostColumn) -> Markup:
    """Draw R@1 of text to video over what scoring costs, logarithmic.

    Parameters
    ----------
    rows
        All rows of a section, of which at least one has that cost.
    cost
        Across.
    """
    shown = [(number, row) for number, row in enumerate(rows, 1) if has_cost(row, cost)]
    found = [row.results["t2v"].metrics["r1"] for _, row in shown]
    values = [row.cost[cost.name] or 0.0 for _, row in shown]
    across = log_axis(values, 9.0, 95.0)
    up = linear_axis([end for one in found for end in (one.low, one.high)], BOTTOM, TOP)
    parts = []
    for tick in up.ticks:
        y = up(tick)
        parts.append(element("line", x1="9%", x2="95%", y1=y, y2=y, class_="grid"))
        parts.append(element("text", tick_label(tick), x="8%", y=y + 4, text_anchor="end", class_="tick"))
    for tick in across.ticks:
        x = percent(across(tick))
        parts.append(element("line", x1=x, x2=x, y1=TOP, y2=BOTTOM, class_="grid"))
        parts.append(
            element("text", _tick(cost, tick), x=x, y=BOTTOM + 18, text_anchor="middle", class_="tick")
        )
    title = f"{cost.title} (logarithmic)"
    parts.append(element("text", title, x="52%", y=HEIGHT - 6, text_anchor="middle", class_="axis-title"))
    told = [
        f"R@1 {decimal(one.mean)}, {cost.write(value)} {cost.unit}"
        for one, value in zip(found, values, strict=True)
    ]
    for (number, row), one, value, words in zip(shown, found, values, told, strict=True):
        x, y = percent(across(value)), up(one.mean)
        style = "conditioned" if row.text_conditioned else "text-free"
        parts += [
            element("line", x1=x, x2=x, y1=up(one.low), y2=up(one.high), class_=f"interval {style}"),
            element(
                "g",
                element("title", f"{row.label}: {words}"),
                element("circle", cx=x, cy=y, r=RADIUS, class_=f"dot {style}"),
                element("text", str(number), x=x, y=y + 4, text_anchor="middle", class_="number"),
            ),
        ]
    label = "; ".join(f"{row.label}: {words}" for (_, row), words in zip(shown, told, strict=True))
    return element("svg", *parts, width="100%", height=HEIGHT, role="img", aria_label=label)


def _tick(cost: CostColumn, value: float) -> str:
    """Write a power of ten as the column writes it, without zeros behind the point."""
    if value < 1:
        return tick_label(value)
    return re.sub(r"\.0+(?!\d)", "", cost.write(value))

"""Metrics of both directions as a table: for a terminal, plain, Markdown or CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from tcmgc.evaluation import DirectionMetrics

    Result: TypeAlias = Mapping[str, DirectionMetrics]

DIRECTIONS = {"t2v": "text to video", "v2t": "video to text"}
USUAL_ORDER = ("r1", "r5", "r10", "mdr", "mnr", "sumr", "mrr", "ndcg")
"""As papers order their columns; other metrics follow."""


def ordered_names(found: DirectionMetrics) -> list[str]:
    """List the metrics in the order in which to show them.

    Parameters
    ----------
    found
        One direction.
    """
    names = list(found["values"])
    return [name for name in USUAL_ORDER if name in names] + [n for n in names if n not in USUAL_ORDER]


def rich_table(result: Result) -> Table:
    """Make a table for a terminal.

    Parameters
    ----------
    result
        What `tcmgc.evaluation.metrics` returned.
    """
    from rich.table import Table

    table = Table()
    for heading in ("metric", *_headings(result)):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for row in _rows(result):
        table.add_row(*row)
    return table


def text_table(result: Result, style: Literal["simple", "github"]) -> str:
    """Make a plain (``simple``) or Markdown (``github``) table, and the summary below it.

    Parameters
    ----------
    result
        What `tcmgc.evaluation.metrics` returned.
    style
        As ``tabulate`` calls it.
    """
    from tabulate import tabulate

    align = ["left", *("right" for _ in result)]
    table = tabulate(
        _rows(result), ["metric", *_headings(result)], tablefmt=style, colalign=align, disable_numparse=True
    )
    return f"{table}\n\n{summary(result)}"


def csv_table(result: Result) -> str:
    """Make CSV: a line for each direction and metric, with the value under every tie policy.

    Parameters
    ----------
    result
        What `tcmgc.evaluation.metrics` returned.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ["value", "optimistic", "expected", "pessimistic"]
    writer.writerow(["direction", "metric", *columns, "queries", "tied_queries"])
    for direction, found in result.items():
        policies = [found["values"], found["optimistic"], found["expected"], found["pessimistic"]]
        for name in ordered_names(found):
            numbers = [numbers[name] for numbers in policies]
            writer.writerow([direction, name, *numbers, found["queries"], found["tied_queries"]])
    return text.getvalue().rstrip("\n")


def summary(result: Result) -> str:
    """Say how many queries there are, and how many of them have ties.

    Parameters
    ----------
    result
        What `tcmgc.evaluation.metrics` returned.
    """
    parts = []
    for direction, found in result.items():
        tied = f", {found['tied_queries']} with ties" if found["tied_queries"] else ""
        parts.append(f"{direction}: {found['queries']} queries over {found['items']} items{tied}")
    return "; ".join(parts)


def _headings(result: Result) -> list[str]:
    return [f"{direction} ({DIRECTIONS[direction]})" for direction in result]


def _rows(result: Result) -> list[list[str]]:
    names = ordered_names(next(iter(result.values())))
    return [[name, *(_cell(found, name) for found in result.values())] for name in names]


def _cell(found: DirectionMetrics, name: str) -> str:
    """Write a value, followed by the interval that ties allow where it has a width."""
    low, high = sorted([found["pessimistic"][name], found["optimistic"][name]])
    interval = f" [{low:.2f}, {high:.2f}]" if f"{low:.2f}" != f"{high:.2f}" else ""
    return f"{found['values'][name]:.2f}{interval}"

"""What the page shows of a section, charts drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcmgc_reports.board.leaderboard import DIRECTIONS
from tcmgc_reports.renderers.costs import COSTS
from tcmgc_reports.renderers.formats import bracket, decimal
from tcmgc_reports.renderers.words import worth

from .curve_chart import curve_chart, loss_lines, validation_lines, value_axis
from .interval_chart import Dot, interval_axis, interval_scale, interval_track
from .scatter_chart import has_cost, scatter_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from markupsafe import Markup

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.comparison import Comparison
    from tcmgc_reports.board.leaderboard import Row, Section
    from tcmgc_reports.renderers.costs import CostColumn


@dataclass(frozen=True)
class Answer:
    """A question and what both directions say to it, with a picture each."""

    question: str
    comparisons: tuple[Comparison, ...]
    tracks: tuple[Markup, ...]
    scale: Markup


@dataclass(frozen=True)
class Curves:
    """A row's training curves; None where nothing was kept."""

    label: str
    seeds: str
    validation: Markup | None
    loss: Markup | None


@dataclass(frozen=True)
class Scatter:
    """A picture of quality over one cost."""

    cost: CostColumn
    chart: Markup


@dataclass(frozen=True)
class View:
    """A section, ready for the page."""

    section: Section
    answers: tuple[Answer, ...]
    dots: tuple[tuple[str, Markup], ...]
    dot_scale: Markup
    scatters: tuple[Scatter, ...]
    curves: tuple[Curves, ...]
    tags: Mapping[str, int]
    protocol: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]


def make_view(section: Section) -> View:
    """Draw a section.

    Parameters
    ----------
    section
        Of the board.
    """
    by_row = {row.label: [_dot(row, direction) for direction in DIRECTIONS] for row in section.rows}
    axis = interval_axis([dot for dots in by_row.values() for dot in dots])
    return View(
        section=section,
        answers=tuple(_answers(section.comparisons)),
        dots=tuple((label, interval_track(dots, axis)) for label, dots in by_row.items()),
        dot_scale=interval_scale(axis),
        scatters=tuple(_scatters(section)),
        curves=tuple(_curves(section.rows)),
        tags=section.tag_queries["t2v"],
        protocol=tuple((name, plain(value)) for name, value in section.fields.items()),
        environment=tuple(_environment(section.rows)),
    )


def plain(value: Any) -> str:
    """Write a value of a record without braces and quotes.

    Parameters
    ----------
    value
        Anything that JSON has.
    """
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    return "–" if value is None else str(value)


def _dot(row: Row, direction: Direction) -> Dot:
    found = row.results[direction].metrics["r1"]
    words = f"{row.label}, {DIRECTIONS[direction]}: R@1 {decimal(found.mean)} {bracket(found)}"
    return Dot(found, direction, words)


def _scatters(section: Section) -> Iterable[Scatter]:
    for cost in COSTS:
        # A point alone says nothing that its interval does not; points of two machines mislead.
        compared = not (cost.of_machine and len(section.places) > 1)
        if compared and sum(has_cost(row, cost) for row in section.rows) > 1:
            yield Scatter(cost, scatter_chart(section.rows, cost))


def _answers(comparisons: Iterable[Comparison]) -> Iterable[Answer]:
    by_question: dict[tuple[str, str, str], list[Comparison]] = {}
    for comparison in comparisons:
        key = (comparison.title, comparison.row, comparison.against)
        by_question.setdefault(key, []).append(comparison)
    for found in by_question.values():
        dots = [Dot(one.difference, one.direction, worth(one)) for one in found]
        axis = interval_axis(dots, also=[0.0])
        yield Answer(
            question=found[0].question or found[0].title,
            comparisons=tuple(found),
            tracks=tuple(interval_track([dot], axis, mark=0.0) for dot in dots),
            scale=interval_scale(axis),
        )


def _curves(rows: Iterable[Row]) -> Iterable[Curves]:
    validation = {row.label: validation_lines(row) for row in rows}
    every = [line for lines in validation.values() for line in lines]
    shared = value_axis(every) if every else None
    for row in rows:
        losses = loss_lines(row)
        across = "step" if any(run.history.steps for run in row.runs) else "epoch"
        lines = validation[row.label]
        if losses or lines:
            label = f"{row.label}: validation R@1 by epoch, {len(lines)} seeds"
            yield Curves(
                label=row.label,
                seeds=f"seed{'s' if len(row.seeds) > 1 else ''} {', '.join(map(str, row.seeds))}",
                validation=curve_chart(lines, "epoch", label, shared) if lines else None,
                loss=curve_chart(losses, across, f"{row.label}: loss by {across}") if losses else None,
            )


def _environment(rows: Iterable[Row]) -> Iterable[tuple[str, str]]:
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for run in row.runs:
            for name, value in run.record.environment.items():
                found.setdefault(name, {})[plain(value)] = None
    for name, values in found.items():
        yield name, "; ".join(values)

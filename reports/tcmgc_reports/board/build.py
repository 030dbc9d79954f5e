"""From runs to the leaderboard."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from tcmgc.ranking import Direction
from tcmgc.statistics.bootstrap import interval
from tcmgc_reports.statistics.columns import COLUMNS, NAMES

from .choose_runs import choose_newest, split_stale
from .compare import Compared, compare
from .leaderboard import Leaderboard, Result, Row, RowRun, Section
from .measure import draw, measure, measure_tags, tag_counts
from .measured_on import measured_on
from .notes import make_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc_reports.runs.read_runs import Run, RunsFolder
    from tcmgc_reports.runs.suite_file import Question

    from .choose_runs import Staleness
    from .measure import Draws, Measured

TITLE = "Leaderboard"


def build_leaderboard(folder: RunsFolder, stale: Staleness = lambda _: None) -> Leaderboard:
    """Make the leaderboard of a folder of runs.

    Parameters
    ----------
    folder
        The runs and the suite.
    stale
        Says why a run is stale, or None for a fresh one.

    Returns
    -------
    Leaderboard
        A section for each fingerprint; the one with most rows first.

    Raises
    ------
    DataError
        If runs of one fingerprint have other queries, or files of a run contradict each other.
    """
    fresh, apart = split_stale(folder.runs, stale)
    chosen, superseded = choose_newest(fresh)
    by_fingerprint: dict[str, list[list[Run]]] = {}
    for (fingerprint, _), runs in chosen.items():
        by_fingerprint.setdefault(fingerprint, []).append(runs)
    sections = [_section(rows, folder.suite.comparisons) for rows in by_fingerprint.values()]
    sections.sort(key=lambda section: (-len(section.rows), section.fingerprint))
    return Leaderboard(
        title=folder.suite.title or folder.suite.name or TITLE,
        sections=tuple(sections),
        differing=_differing([section.fields for section in sections]),
        stale=tuple(apart),
        superseded=tuple(superseded),
        notes=make_notes(sections, folder.suite, apart),
    )


def _section(rows: Sequence[Sequence[Run]], questions: Sequence[Question]) -> Section:
    first = rows[0][0]
    draws: dict[Direction, Draws] = {}
    measured: dict[Direction, list[Measured]] = {}
    for direction in get_args(Direction):
        draws[direction] = draw(getattr(first.ranks, direction))
        measured[direction] = [measure(runs, direction, draws[direction]) for runs in rows]
    results = {direction: _results(measured[direction], draws[direction]) for direction in measured}
    made = [
        _row(runs, {direction: results[direction][index] for direction in results})
        for index, runs in enumerate(rows)
    ]
    compared = {
        direction: [
            Compared(row.label, row.seeds, found) for row, found in zip(made, rows_measured, strict=True)
        ]
        for direction, rows_measured in measured.items()
    }
    return Section(
        fingerprint=first.record.fingerprint,
        fields=first.record.fingerprint_fields,
        dataset=first.record.dataset,
        split=first.record.split,
        queries={direction: len(draws[direction].ranks.query) for direction in draws},
        videos=first.ranks.t2v.items,
        tag_queries={direction: tag_counts(draws[direction].ranks) for direction in draws},
        rows=tuple(sorted(made, key=lambda row: (-row.results["t2v"].metrics["r1"].mean, row.label))),
        comparisons=tuple(
            comparison
            for question in questions
            for direction in draws
            if (comparison := compare(question, direction, compared[direction], draws[direction]))
        ),
    )


def _row(runs: Sequence[Run], results: Mapping[Direction, Result]) -> Row:
    records = [run.record for run in runs]
    first = records[0]
    identities = sorted(record.identity for record in records)
    joined = hashlib.sha256("\n".join(identities).encode()).hexdigest()
    used = first.normalizer
    costs = [record.cost.model_dump() for record in records]
    return Row(
        label=first.label,
        recipe=first.recipe,
        variant=first.variant,
        overrides=first.overrides,
        trained=first.trained,
        text_conditioned=first.text_conditioned,
        normalizer=None if used is None else f"{used.name} (needs {used.needs})",
        runs=tuple(RowRun(run.folder, run.record, run.history) for run in runs),
        results=results,
        cost={name: _mean([cost[name] for cost in costs]) for name in costs[0]},
        measured_on=measured_on([record.environment for record in records]),
        identity=identities[0] if len(identities) == 1 else joined,
    )


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None and np.isfinite(number)]
    # The same count from every seed stays a count.
    return None if not known else known[0] if len({*known}) == 1 else float(np.mean(known))


def _results(rows: Sequence[Measured], draws: Draws) -> list[Result]:
    estimates = [row.estimates() for row in rows]
    best: list[set[str]] = [set() for _ in rows]
    # A row alone is the best of nothing.
    for index, column in enumerate(COLUMNS if len(rows) > 1 else ()):
        means = [found[column.name].mean for found in estimates]
        top = means.index(max(means) if column.higher_is_better else min(means))
        for row, names in zip(rows, best, strict=True):
            low, high = interval(row.by_draw[:, index] - rows[top].by_draw[:, index])
            if low <= 0 <= high:
                names.add(column.name)
    return [
        Result({name: found[name] for name in NAMES}, frozenset(names), measure_tags(row, draws))
        for row, found, names in zip(rows, estimates, best, strict=True)
    ]


def _differing(fields: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    names = list(dict.fromkeys(name for own in fields for name in own))
    values = {name: tuple(own.get(name) for own in fields) for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}

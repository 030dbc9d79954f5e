"""From runs to the leaderboard."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import numpy as np

from tcmgc.ranking import Direction
from tcmgc.runs.availability import clips_counted
from tcmgc.statistics.bootstrap import interval
from tcmgc_reports.runs.restrict_runs import restrict_runs
from tcmgc_reports.statistics.columns import COLUMNS, NAMES

from .bound import bound, measures
from .choose_runs import choose_newest, not_shown, split_stale
from .compare import Compared, compare
from .differ import differing
from .leaderboard import Leaderboard, Result, Row, RowRun, Section
from .measure import draw, measure, measure_tags, tag_counts
from .measured_on import measured_on
from .mix import mix
from .notes import make_notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc_reports.runs.read_runs import Run, RunsFolder
    from tcmgc_reports.runs.restrict_runs import RestrictTo
    from tcmgc_reports.runs.suite_file import Question

    from .choose_runs import Staleness
    from .leaderboard import NotShown
    from .measure import Draws, Measured

TITLE = "Leaderboard"


def build_leaderboard(
    folder: RunsFolder,
    stale: Staleness = lambda _: None,
    *,
    restrict_to: RestrictTo | None = None,
    mixed: bool = False,
) -> Leaderboard:
    """Make the leaderboard of a folder of runs.

    Parameters
    ----------
    folder
        The runs and the suite.
    stale
        Says why a run is stale, or None for a fresh one.
    restrict_to
        The clips to rank again on; None for each run's own.
    mixed
        Whether rows of one data set's split stand in one table whatever their protocol.

    Returns
    -------
    Leaderboard
        A section for each fingerprint, or for each split where they are mixed; the one with most rows first.

    Raises
    ------
    DataError
        If runs of one fingerprint have other queries, or files of a run contradict each other.
    """
    fresh, apart = split_stale(folder.runs, stale)
    left_out: list[NotShown] = []
    if restrict_to is not None:
        fresh, refused = restrict_runs(fresh, restrict_to, measures())
        left_out = [not_shown(run, reason) for run, reason in refused]
    chosen, superseded = choose_newest(fresh)
    by_fingerprint: dict[str, list[list[Run]]] = {}
    for (fingerprint, _), runs in chosen.items():
        by_fingerprint.setdefault(fingerprint, []).append(runs)
    sections = [_section(rows, folder.suite.comparisons) for rows in by_fingerprint.values()]
    sections.sort(key=lambda section: (-len(section.rows), section.fingerprint))
    differs = differing([section.fields for section in sections])
    if mixed:
        sections = sorted(mix(sections), key=lambda section: (-len(section.rows), section.place))
    return Leaderboard(
        title=folder.suite.title or folder.suite.name or TITLE,
        sections=tuple(sections),
        differing=differs,
        stale=tuple(apart),
        superseded=tuple(superseded),
        notes=make_notes(sections, folder.suite, [*apart, *left_out]),
        left_out=tuple(left_out),
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
        protocols={first.record.fingerprint: first.record.fingerprint_fields},
        fields=first.record.fingerprint_fields,
        dataset=first.record.dataset,
        split=first.record.split,
        queries={direction: len(draws[direction].ranks.query) for direction in draws},
        videos=first.ranks.t2v.items,
        tag_queries={direction: tag_counts(draws[direction].ranks) for direction in draws},
        rows=tuple(sorted(made, key=lambda row: (-row.results["t2v"].metrics["r1"].mean, row.label))),
        comparisons=tuple(
            replace(comparison, fingerprint=first.record.fingerprint)
            for question in questions
            for direction in draws
            if (comparison := compare(question, direction, compared[direction], draws[direction]))
        ),
        clips=None if first.whole is None else first.ranks.v2t.cluster,
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
        fingerprint=first.fingerprint,
        clips=clips_counted(first.fingerprint_fields),
        bounds={direction: bound(runs, direction) for direction in results},
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

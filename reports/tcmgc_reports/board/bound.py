"""What the clips that are missing could make of a row."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tcmgc.app import current_registry
from tcmgc.runs.availability import bounds_of, clips_counted, missing_of
from tcmgc_reports.statistics.columns import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc.ranking import Direction
    from tcmgc.slots.metric import Metric
    from tcmgc.statistics.missing import Bounds
    from tcmgc_reports.runs.read_runs import Run


def bound(runs: Sequence[Run], direction: Direction) -> dict[str, Bounds]:
    """Bound a row's metrics over all clips that its split should have: the means over the seeds.

    A run that is restricted is bounded by all that it was evaluated on.

    Parameters
    ----------
    runs
        One a seed.
    direction
        Which side searches.
    """
    counted = clips_counted(runs[0].record.fingerprint_fields)
    if counted is None or counted[0] >= counted[1]:
        return {}
    found = [_bound(run.whole or run, direction) for run in runs]
    if not all(found):
        return {}
    count = len(found)
    return {
        name: (sum(own[name][0] for own in found) / count, sum(own[name][1] for own in found) / count)
        for name in NAMES
    }


def _bound(run: Run, direction: Direction) -> Mapping[str, Bounds]:
    fields, values = run.record.fingerprint_fields, run.record.metrics[direction].expected
    found, expected = clips_counted(fields) or (0, 0)
    if found >= expected:  # it was restricted, and had them all
        return {name: (values[name], values[name]) for name in NAMES}
    if missing_of(fields, direction) is None:
        return {}
    return bounds_of(fields, direction, getattr(run.ranks, direction).ranking(), measures())


@cache
def measures() -> dict[str, Metric]:
    """Make the metrics that are registered."""
    return dict(current_registry().create_all("metric"))

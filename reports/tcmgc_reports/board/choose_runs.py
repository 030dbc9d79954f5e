"""Which runs count: fresh ones, the newest of each row and seed, never two makes of a row in one mean."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from .leaderboard import NotShown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcmgc_reports.runs.read_runs import Run

    Staleness: TypeAlias = Callable[[Run], str | None]
    """Says why a run is stale, or None for a fresh one."""

Place: TypeAlias = tuple[str, str]
"""Fingerprint and label: a row."""


def split_stale(runs: Sequence[Run], stale: Staleness) -> tuple[list[Run], list[NotShown]]:
    """Set stale runs apart.

    Parameters
    ----------
    runs
        All runs.
    stale
        What decides.

    Returns
    -------
    fresh, stale
        The runs that count so far, and the others.
    """
    fresh, apart = [], []
    for run in runs:
        reason = stale(run)
        if reason is None:
            fresh.append(run)
        else:
            apart.append(not_shown(run, reason))
    return fresh, apart


def choose_newest(runs: Sequence[Run]) -> tuple[dict[Place, list[Run]], list[NotShown]]:
    """Choose the runs of each row.

    A mean over seeds is one over runs that differ in nothing else. Where the runs of a label have several
    makes (a changed configuration or component), the make of the newest run counts.

    Parameters
    ----------
    runs
        Fresh runs.

    Returns
    -------
    chosen, superseded
        The runs of each row by seed, and those that a newer one replaces.
    """
    rows: dict[Place, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.record.finished, run.folder), reverse=True):
        rows[run.record.fingerprint, run.record.label].append(run)
    chosen: dict[Place, list[Run]] = {}
    superseded: list[NotShown] = []
    for place, newest_first in rows.items():
        kept: dict[int, Run] = {}
        for run in newest_first:
            if changed := _difference(run, newest_first[0]):
                reason = f"{newest_first[0].folder} is newer and has another {changed}"
                superseded.append(not_shown(run, reason))
            elif run.record.seed in kept:
                reason = f"{kept[run.record.seed].folder} is a newer run of this row and seed"
                superseded.append(not_shown(run, reason))
            else:
                kept[run.record.seed] = run
        chosen[place] = [kept[seed] for seed in sorted(kept)]
    return chosen, sorted(superseded, key=lambda one: (one.label, one.seed, one.folder))


def not_shown(run: Run, reason: str) -> NotShown:
    """List a run that does not count."""
    return NotShown(run.record.label, run.record.seed, run.folder, reason)


def _difference(run: Run, newest: Run) -> str:
    """Name the parts, other than the seed, in which two makes of a row differ."""
    ours, theirs = (one.record.identity_parts.model_dump() for one in (run, newest))
    return ", ".join(part for part in ours if part != "seed" and ours[part] != theirs[part])

"""Runs that saw different clips, ranked again on those that they share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np

from tcmgc.errors import DataError
from tcmgc.evaluation import measure_ranking
from tcmgc.experiments.restriction import some
from tcmgc.ranking import Direction
from tcmgc.runs.fingerprint import fingerprint, restricted_fields
from tcmgc.runs.record import Metrics
from tcmgc.runs.run_folder import OUTRANKING

from .ranks_file import DirectionRanks, Ranks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tcmgc.arrays import Int1D
    from tcmgc.ranking import Ranking
    from tcmgc.runs.outranking_file import OutrankingFile
    from tcmgc.slots.metric import Metric

    from .read_runs import Run

LeftOut = tuple["Run", str]
"""A run that cannot be restricted, and why."""


@dataclass(frozen=True)
class RestrictTo:
    """Which clips are left.

    Parameters
    ----------
    common
        Those that all runs of a data set's split have.
    ids
        Those of a list, all of which a run has to have; None for no list. With ``common``, those of the
        list that all runs have.
    """

    common: bool
    ids: frozenset[str] | None = None


def restrict_runs(
    runs: Sequence[Run], to: RestrictTo, measures: Mapping[str, Metric]
) -> tuple[list[Run], list[LeftOut]]:
    """Restrict runs, each split of each data set on its own.

    Parameters
    ----------
    runs
        Those that count.
    to
        Which clips.
    measures
        All metrics.

    Returns
    -------
    restricted, left_out
        Every run is in one of them.

    Raises
    ------
    DataError
        When no clip is left, or files of a run contradict each other.
    """
    by_place: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        by_place.setdefault((run.record.dataset, run.record.split), []).append(run)
    done: list[Run] = []
    left_out: list[LeftOut] = []
    for (dataset, split), group in by_place.items():
        ids = _ids(group, to)
        if not ids:
            raise DataError(
                f"{dataset}, {split} split: clips to restrict to",
                found=f"none that all {len(group)} runs have",
                expected="at least one",
                hint="--restrict-to FILE takes a list, and leaves out the runs that lack a clip of it",
            )
        for run in group:
            reason = _refusal(run, ids)
            if reason is None:
                done.append(restrict_run(run, ids, measures))
            else:
                left_out.append((run, reason))
    return done, left_out


def restrict_run(run: Run, ids: frozenset[str], measures: Mapping[str, Metric]) -> Run:
    """Rank a run again among some of its clips, by their captions; its scores are what they were.

    Parameters
    ----------
    run
        It has all of them.
    ids
        The clips.
    measures
        All metrics.
    """
    from tcmgc.runs.outranking_file import read_outranking

    file = read_outranking(run.path / OUTRANKING)
    _refuse_others(run, file)
    clips = _places(run.ranks.v2t.cluster, ids)
    ranks: dict[Direction, DirectionRanks] = {}
    metrics: dict[Direction, Metrics] = {}
    for direction in get_args(Direction):
        own: DirectionRanks = getattr(run.ranks, direction)
        queries = clips if direction == "v2t" else _places(own.cluster, ids)
        ranking = file.directions[direction].ranking(queries, clips)
        ranks[direction] = _ranks(own, queries, ranking)
        metrics[direction] = Metrics(**measure_ranking(ranking, measures))
    fields = restricted_fields(
        run.record.fingerprint_fields,
        [file.digests[place] for place in clips],
        len(ranks["t2v"].query),
    )
    changed = {"metrics": metrics, "fingerprint_fields": fields, "fingerprint": fingerprint(fields)}
    record = run.record.model_copy(update=changed)
    return replace(run, record=record, ranks=Ranks(t2v=ranks["t2v"], v2t=ranks["v2t"]), whole=run)


def _ids(runs: Sequence[Run], to: RestrictTo) -> frozenset[str]:
    if not to.common:
        return to.ids or frozenset()
    shared = frozenset.intersection(*(frozenset(run.ranks.v2t.cluster) for run in runs))
    return shared if to.ids is None else shared & to.ids


def _refusal(run: Run, ids: frozenset[str]) -> str | None:
    """Say why a run cannot be restricted."""
    own = frozenset(run.ranks.v2t.cluster)
    if lacking := sorted(ids - own):
        return f"it lacks {len(lacking):,} of the {len(ids):,} clips: {some(lacking)}"
    if run.record.normalizer is not None and ids != own:
        # What was normalised over all queries or videos is not what would be over some of them.
        return (
            f"its normalizer {run.record.normalizer.name} looks at the clips that are cut: "
            "`tcmgc evaluate RUN --restrict-to FILE` scores it again"
        )
    if not (run.path / OUTRANKING).exists():
        return f"it has no {OUTRANKING}: `tcmgc run` computes it again"
    return None


def _refuse_others(run: Run, file: OutrankingFile) -> None:
    """Refuse bits that are not of the run's ranks."""
    agree = len(file.digests) == len(run.ranks.v2t.cluster)
    for direction in get_args(Direction):
        own: DirectionRanks = getattr(run.ranks, direction)
        bits = file.directions[direction]
        if agree := agree and len(bits.above) == len(own.query):
            found = bits.ranking(np.arange(len(own.query)), np.arange(bits.items))
            agree = (tuple(found.above.tolist()), tuple(found.size.tolist())) == (own.above, own.size)
    if not agree:
        raise DataError(
            f"run {run.folder}: {OUTRANKING}",
            found="other ranks than in ranks.json",
            expected="two files of one run",
            hint="delete the folder of this run and `tcmgc run` computes it again",
        )


def _places(clips: Sequence[str], ids: frozenset[str]) -> Int1D:
    return np.array([place for place, clip in enumerate(clips) if clip in ids], dtype=np.int64)


def _ranks(own: DirectionRanks, queries: Int1D, ranking: Ranking) -> DirectionRanks:
    above, size, relevant = ranking.best_groups()
    return DirectionRanks(
        items=ranking.items,
        query=tuple(own.query[place] for place in queries),
        cluster=tuple(own.cluster[place] for place in queries),
        above=tuple(above.tolist()),
        size=tuple(size.tolist()),
        relevant=tuple(relevant.tolist()),
        tags=tuple(own.tags[place] for place in queries) if own.tags else (),
    )

"""A leaderboard as JSON, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tcmgc_reports.board.leaderboard import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.ranking import Direction
    from tcmgc_reports.board.comparison import Comparison
    from tcmgc_reports.board.leaderboard import Estimate, Leaderboard, NotShown, Row, Section

SCHEMA_VERSION = 1


def render_json(board: Leaderboard) -> str:
    """Write JSON: ``rows``, one for each row and direction, and what else the board has.

    Parameters
    ----------
    board
        The leaderboard.
    """
    content = {
        "schema_version": SCHEMA_VERSION,
        "title": board.title,
        "rows": [
            _row(section, row, direction)
            for section in board.sections
            for direction in DIRECTIONS
            for row in section.rows
        ],
        "comparisons": [
            _comparison(comparison) for section in board.sections for comparison in section.comparisons
        ],
        "protocols": [
            {"fingerprint": fingerprint, "fields": fields, "clips": section.clips}
            for section in board.sections
            for fingerprint, fields in section.protocols.items()
        ],
        "stale": _not_shown(board.stale),
        "superseded": _not_shown(board.superseded),
        "left_out": _not_shown(board.left_out),
        "notes": board.notes,
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _row(section: Section, row: Row, direction: Direction) -> dict[str, Any]:
    result = row.results[direction]
    return {
        "recipe": row.label,
        "dataset": section.dataset,
        "split": section.split,
        "direction": direction,
        "seeds": row.seeds,
        "metrics": {name: _estimate(found) for name, found in result.metrics.items()},
        "clips": None if row.clips is None else {"found": row.clips[0], "expected": row.clips[1]},
        "bounds": {name: [*ends] for name, ends in row.bounds[direction].items()},
        "differs": row.differs,
        "cost": row.cost,
        "measured_on": row.measured_on,
        "fingerprint": row.fingerprint,
        "identity": row.identity,
        "best": sorted(result.best),
        "tags": {
            tag: {"queries": section.tag_queries[direction][tag], "r1": _estimate(found)}
            for tag, found in result.tags.items()
        },
        "base_recipe": row.recipe,
        "variant": row.variant,
        "overrides": row.overrides,
        "trained": row.trained,
        "text_conditioned": row.text_conditioned,
        "normalizer": row.normalizer,
        "runs": [
            {"seed": run.record.seed, "identity": run.record.identity, "folder": run.folder}
            for run in row.runs
        ],
    }


def _estimate(found: Estimate) -> dict[str, Any]:
    return {"mean": found.mean, "sd": found.sd, "ci95": [found.low, found.high]}


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "title": comparison.title,
        "question": comparison.question,
        "row": comparison.row,
        "against": comparison.against,
        "direction": comparison.direction,
        "metric": "r1",
        "difference": _estimate(comparison.difference),
        "by_seed": {str(seed): difference for seed, difference in comparison.by_seed.items()},
        "missing_seeds": comparison.missing,
        "p": comparison.p,
        "verdict": comparison.verdict,
        "fingerprint": comparison.fingerprint,
    }


def _not_shown(runs: Sequence[NotShown]) -> list[dict[str, Any]]:
    return [
        {"recipe": run.label, "seed": run.seed, "folder": run.folder, "reason": run.reason} for run in runs
    ]

"""A leaderboard as CSV: a line for each row and direction."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from tcmgc_reports.board.leaderboard import DIRECTIONS

if TYPE_CHECKING:
    from tcmgc.ranking import Direction
    from tcmgc_reports.board.leaderboard import Leaderboard, Row, Section


def render_csv(board: Leaderboard) -> str:
    """Write CSV with a heading; nothing stands where there is no number.

    Parameters
    ----------
    board
        The leaderboard.
    """
    lines = [
        _line(section, row, direction)
        for section in board.sections
        for direction in DIRECTIONS
        for row in section.rows
    ]
    text = io.StringIO()
    names = list(dict.fromkeys(name for line in lines for name in line))
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _line(section: Section, row: Row, direction: Direction) -> dict[str, Any]:
    line: dict[str, Any] = {
        "row": row.label,
        "recipe": row.recipe,
        "variant": row.variant,
        "overrides": " ".join(row.overrides),
        "normalizer": row.normalizer,
        "dataset": section.dataset,
        "split": section.split,
        "clips": None if row.clips is None else row.clips[0],
        "clips_expected": None if row.clips is None else row.clips[1],
        "differs": "; ".join(f"{name} {value}" for name, value in row.differs.items()),
        "direction": direction,
        "seeds": " ".join(map(str, row.seeds)),
    }
    for name, found in row.results[direction].metrics.items():
        line |= {
            name: found.mean,
            f"{name}_sd": found.sd,
            f"{name}_low": found.low,
            f"{name}_high": found.high,
        }
    for name, (least, most) in row.bounds[direction].items():
        line |= {f"{name}_least": least, f"{name}_most": most}
    return {
        **line,
        **row.cost,
        "measured_on": row.measured_on,
        "fingerprint": row.fingerprint,
        "identity": row.identity,
    }

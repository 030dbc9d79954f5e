"""What ``tcmgc search`` prints: a table of videos, and where in each the text was found."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.search.searcher import Answer, FrameAttention, Hit, Searcher

SCHEMA_VERSION = 1
LEVELS, PLAIN = "▁▂▃▄▅▆▇█", ".:-=+*#@"
"""How a weight is drawn, from 0 to the largest of a video; the second where the first cannot be printed.

Neither has a blank, which a table would cut off.
"""
WIDTH = 20
"""Characters of the longest bar."""


def answer_text(answer: Answer, searcher: Searcher) -> str:
    """Tell an answer as a table, the frames of its first video below."""
    from tabulate import tabulate

    rows = [_row(hit) for hit in answer.hits]
    blocks = [tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)]
    if answer.hits and answer.hits[0].attention:
        blocks.append(_frames(answer.hits[0]))
    blocks.append(_took(answer, searcher))
    return "\n\n".join(blocks)


def _row(hit: Hit) -> dict[str, Any]:
    row: dict[str, Any] = {"": hit.rank, "score": f"{hit.score:.3f}"}
    row |= {name: f"{part:.3f}" for name, part in hit.parts.items() if len(hit.parts) > 1}
    if hit.attention:
        first = hit.attention[0]
        weights = first.weights[: len(hit.times)]
        best = max(range(len(weights)), key=weights.__getitem__)
        row["over frames"] = spark(weights)
        row["most at"] = f"{hit.times[best]:.1f} s"
    row["video"] = hit.video.id
    if hit.video.start is not None or hit.video.end is not None:
        end = "end" if hit.video.end is None else f"{hit.video.end:.1f}"
        row["video"] += f" [{hit.video.start or 0:.1f}, {end}]"
    return row


def _frames(hit: Hit) -> str:
    """Tell a video's attention frame by frame."""
    from tabulate import tabulate

    shown = hit.attention
    full = _levels()[-1]
    largest = [max(view.weights) for view in shown]
    rows = []
    for frame, seconds in enumerate(hit.times):
        row: list[str] = [f"{seconds:.2f} s"]
        for view, most in zip(shown, largest, strict=True):
            weight = view.weights[frame]
            row.append(f"{weight:.3f} {full * round(WIDTH * weight / most)}")
        rows.append(row)
    padding = [sum(view.weights[len(hit.times) :]) for view in shown]
    if max(padding) > 0.0005:  # published recipes let padding take part
        rows.append(["padding", *(f"{weight:.3f}" for weight in padding)])
    headers = ["frame at", *map(_told, shown)]
    table = tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)
    return f"{hit.video.path}\n{table}"


def _told(view: FrameAttention) -> str:
    asked = "sentence" if view.query == "sentence" else f"{view.query}, mean"
    return f"{view.view} ({asked})"


def spark(weights: Sequence[float]) -> str:
    """Draw weights as one character each, the largest as a full one."""
    levels = _levels()
    most = max(weights) or 1.0
    return "".join(levels[round((len(levels) - 1) * weight / most)] for weight in weights)


def counted(number: int, what: str) -> str:
    """Write a number of things, as ``1 video`` or ``2,000 videos``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _levels() -> str:
    try:
        LEVELS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return PLAIN
    return LEVELS


def _took(answer: Answer, searcher: Searcher) -> str:
    videos = counted(len(searcher.index.live), "video")
    steps = ", ".join(f"{name} {1000 * seconds:.1f}" for name, seconds in answer.seconds.items())
    total = 1000 * sum(answer.seconds.values())
    if answer.scored == len(searcher.index.live):
        how = f"all {videos} scored"
    else:
        how = f"{answer.scored:,} of {videos} scored, shortlist by {searcher.coarse.name}"
    return f"{how}; {total:.1f} ms: {steps}"


def answer_json(answer: Answer, searcher: Searcher) -> str:
    """Tell an answer as one line of JSON."""
    return json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "query": answer.query,
            "videos": len(searcher.index.live),
            "scored": answer.scored,
            "seconds": dict(answer.seconds),
            "results": [_hit(hit) for hit in answer.hits],
        }
    )


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "score": hit.score,
        "parts": dict(hit.parts),
        "id": hit.video.id,
        "path": hit.video.path,
        "start": hit.video.start,
        "end": hit.video.end,
        "times": list(hit.times),
        "attention_over_frames": {
            view.view: {"query": view.query, "weights": list(view.weights)} for view in hit.attention
        },
    }

"""A folder of videos and its table, for miniatures."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from tcmgc_plugins.datasets.annotated.entry import Entry, sentences
from tcmgc_plugins.datasets.miniature.layout import Layout

from .annotations import COLUMNS, SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.miniature.layout import Entries

TABLE = "captions.csv"


def layout() -> Layout:
    """Lay out ``captions.csv`` and ``videos/<split>-<number>.mp4``."""
    return Layout(splits=SPLITS, captions=2, entry=_entry, write=_write, video=lambda clip: clip)


def _entry(name: SplitName, number: int, texts: Sequence[str]) -> Entry:
    return Entry(f"videos/{name}-{number:03d}.mp4", sentences(texts))


def _write(folder: Path, entries: Entries) -> dict[str, int]:
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*COLUMNS, "moments"])
        count = 0
        for name, split in entries.items():
            for entry in split:
                for told in entry.sentences:
                    moments = [[moment.start, moment.end] for moment in told.moments]
                    writer.writerow([entry.id, told.text, name, json.dumps(moments) if moments else ""])
                    count += 1
    return {TABLE: count}

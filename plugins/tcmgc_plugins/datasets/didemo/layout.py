"""DiDeMo's files as they are laid out, for miniatures."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import TYPE_CHECKING, Any

from tcmgc.data.clip import Moment
from tcmgc.files.disk import write_text
from tcmgc.runs.json_file import write_json
from tcmgc_plugins.datasets.annotated.entry import Entry, paragraph
from tcmgc_plugins.datasets.miniature.layout import Layout

from .annotations import CHUNK, END, SPLITS, START

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.miniature.layout import Entries

ENDINGS = ("mov", "avi", "mp4", "", "mpg", "wmv", "m4v", "3gp", "mts", "3g2")
"""In turns; names without an ending end in a dot."""


def layout() -> Layout:
    """Lay out ``{split}_data.json``, ``{split}_list.txt`` and ``DiDeMo_Videos/<listed name>``."""
    return Layout(
        splits=SPLITS, captions=3, entry=_entry, write=_write, video=lambda clip: f"DiDeMo_Videos/{clip}"
    )


def _entry(name: SplitName, number: int, texts: Sequence[str]) -> Entry:
    digest = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
    user, photo = int(digest[:6], 16) + 10_000_000, int(digest[6:13], 16) + 1_000_000_000
    video = f"{user}@N0{number % 8}_{photo}_{digest[-10:]}.{ENDINGS[number % len(ENDINGS)]}"
    told = paragraph(texts, [Moment(0.0, CHUNK)] * len(texts))
    return Entry(video, (told,), START, END)


def _write(folder: Path, entries: Entries) -> dict[str, int]:
    rows: dict[str, int] = {}
    numbers = count(1)
    for name, split in entries.items():
        described = [row for entry in split for row in _descriptions(entry, numbers)]
        described += _doubled(split[0], numbers)
        write_json(folder / f"{name}_data.json", described)
        write_text(
            folder / f"{name}_list.txt", "".join(f"{video}\n" for video in sorted(e.id for e in split))
        )
        rows |= {f"{name}_data.json": len(described), f"{name}_list.txt": len(split)}
    return rows


def _descriptions(entry: Entry, numbers: Iterator[int]) -> Iterator[dict[str, Any]]:
    (told,) = entry.sentences
    for link in told.links:
        moment = told.moments[link.moment]
        chunks = [round(moment.start / CHUNK), round(moment.end / CHUNK) - 1]
        yield _row(told.text[link.start : link.end], entry.id, chunks, numbers)


def _doubled(entry: Entry, numbers: Iterator[int]) -> list[dict[str, Any]]:
    """Describe one video under a second name, which is not listed, as the data set does 62 times."""
    base, _, ending = entry.id.rpartition(".")
    other = f"{base}.{'mov' if ending == 'mp4' else 'mp4'}"
    return [_row("the same video under another name", other, [0, 0], numbers)]


def _row(text: str, video: str, chunks: list[int], numbers: Iterator[int]) -> dict[str, Any]:
    return {
        "num_segments": 6,
        "description": text,
        "times": [chunks] * 4,
        "video": video,
        "annotation_id": next(numbers),
    }

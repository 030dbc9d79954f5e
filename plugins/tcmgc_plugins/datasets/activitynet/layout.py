"""The files of ActivityNet Captions as they are laid out, for miniatures."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tcmgc.data.clip import Moment
from tcmgc.runs.json_file import write_json
from tcmgc_plugins.datasets.annotated.entry import Entry, paragraph
from tcmgc_plugins.datasets.miniature.layout import Layout

from .annotations import TEST, TEST_IDS, TRAIN, TRAIN_IDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.miniature.layout import Entries

FILES: dict[SplitName, tuple[str, str]] = {"train": (TRAIN[0], TRAIN_IDS), "test": (TEST, TEST_IDS)}
DURATION = 6.0
"""Seconds that an annotation of our own says: the longest of the generated videos."""


def layout() -> Layout:
    """Lay out ``train.json``, ``val_1.json``, the lists, and ``Activity_Videos/<id without v_>.mp4``."""
    return Layout(
        splits=("train", "test"),
        captions=3,
        entry=_entry,
        write=_write,
        video=lambda clip: f"Activity_Videos/{clip.removeprefix('v_')}.mp4",
    )


def _entry(name: SplitName, number: int, texts: Sequence[str]) -> Entry:
    digest = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
    told = paragraph([f" {text}." for text in texts], [Moment(0.0, DURATION)] * len(texts))
    return Entry(f"v_{'-_aZ'[number % 4]}{digest[:10]}", (told,), 0.0, DURATION)


def _write(folder: Path, entries: Entries) -> dict[str, int]:
    rows: dict[str, int] = {}
    for name, split in entries.items():
        file, listed = FILES[name]
        write_json(folder / file, {entry.id: _row(entry) for entry in split})
        write_json(folder / listed, [entry.id for entry in split])
        rows |= {file: len(split), listed: len(split)}
    return rows


def _row(entry: Entry) -> dict[str, Any]:
    (told,) = entry.sentences
    return {
        "duration": entry.end,
        "timestamps": [[moment.start, moment.end] for moment in told.moments],
        "sentences": [told.text[link.start : link.end] for link in told.links],
    }

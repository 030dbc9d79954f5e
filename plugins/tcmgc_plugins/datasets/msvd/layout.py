"""MSVD's files as they are laid out, for miniatures."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tcmgc.files.disk import write_text
from tcmgc.runs.json_file import write_json
from tcmgc_plugins.datasets.annotated.entry import Entry, sentences
from tcmgc_plugins.datasets.miniature.layout import Layout

from .annotations import CAPTIONS, SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.miniature.layout import Entries


def layout() -> Layout:
    """Lay out ``captions_msvd.json``, ``{split}_list.txt`` and ``MSVD_Videos/<id>.avi``."""
    return Layout(
        splits=SPLITS, captions=20, entry=_entry, write=_write, video=lambda clip: f"MSVD_Videos/{clip}.avi"
    )


def _entry(name: SplitName, number: int, texts: Sequence[str]) -> Entry:
    digest = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
    # The number of captions varies, as in the data set.
    return Entry(
        f"{'-_aZ'[number % 4]}{digest[:10]}_{number}_{number + 9}", sentences(texts[: 9 + number % 12])
    )


def _write(folder: Path, entries: Entries) -> dict[str, int]:
    told = {entry.id: [s.text for s in entry.sentences] for split in entries.values() for entry in split}
    write_json(folder / CAPTIONS, told)
    rows = {CAPTIONS: sum(map(len, told.values()))}
    for name, split in entries.items():
        write_text(folder / f"{name}_list.txt", "".join(f"{entry.id}\n" for entry in split))
        rows[f"{name}_list.txt"] = len(split)
    return rows

"""MSR-VTT's files as they are laid out, for miniatures."""

from __future__ import annotations

import csv
from itertools import count
from typing import TYPE_CHECKING

from tcmgc.files.disk import write_text
from tcmgc.runs.json_file import write_json
from tcmgc_plugins.datasets.annotated.entry import Entry, sentences
from tcmgc_plugins.datasets.miniature.layout import Layout

from .annotations import CAPTIONS, FULL, TEST_1KA, TEST_1KB, TRAIN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.miniature.layout import Entries

    from .annotations import Partition

FIRST = {"train": 0, "val": 6513, "test": 7020}
"""The number of the first video of a split, as in the data set."""


def layout(partition: Partition) -> Layout:
    """Lay out a partition: ``MSRVTT_data.json``, its lists, and ``MSRVTT_Videos/<video_id>.mp4``."""
    return Layout(
        splits=("train", "val", "test") if partition == "full" else ("train", "test"),
        captions=20,
        entry=_entry,
        write=lambda folder, entries: _write(folder, entries, partition),
        video=lambda clip: f"MSRVTT_Videos/{clip}.mp4",
    )


def _entry(name: SplitName, number: int, texts: Sequence[str]) -> Entry:
    return Entry(f"video{FIRST[name] + number}", sentences(text.lower() for text in texts))


def _write(folder: Path, entries: Entries, partition: Partition) -> dict[str, int]:
    rows = {CAPTIONS: _write_captions(folder, entries)}
    if partition == "full":
        for name, (listed, _) in FULL.items():
            rows[listed] = _write_list(folder / listed, [entry.id for entry in entries[name]])
        return rows
    train = TRAIN[partition][0]
    rows[train] = _write_list(folder / train, [entry.id for entry in entries["train"]])
    if partition == "1k-b":
        rows[TEST_1KB] = _write_list(folder / TEST_1KB, [entry.id for entry in entries["test"]])
        return rows
    with (folder / TEST_1KA).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["key", "vid_key", "video_id", "sentence"])
        for number, entry in enumerate(entries["test"]):
            video = entry.id.removeprefix("video")
            writer.writerow([f"ret{number}", f"msr{video}", entry.id, entry.sentences[0].text])
    return rows | {TEST_1KA: len(entries["test"])}


def _write_captions(folder: Path, entries: Entries) -> int:
    numbers = count()
    content = {
        "info": {"note": "a miniature made by tcmgc data mock"},
        "videos": [
            {"id": int(entry.id.removeprefix("video")), "video_id": entry.id, "split": FULL[name][1]}
            for name, split in entries.items()
            for entry in split
        ],
        "sentences": [
            {"sen_id": next(numbers), "video_id": entry.id, "caption": sentence.text}
            for split in entries.values()
            for entry in split
            for sentence in entry.sentences
        ],
    }
    write_json(folder / CAPTIONS, content)
    return len(content["sentences"])


def _write_list(path: Path, ids: Sequence[str]) -> int:
    header = ["video_id"] if path.suffix == ".csv" else []
    write_text(path, "\n".join([*header, *ids]) + "\n")
    return len(ids)

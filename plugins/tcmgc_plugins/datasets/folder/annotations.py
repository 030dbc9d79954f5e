"""A table of videos and captions: CSV, or JSON lines."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tcmgc.data.clip import Moment
from tcmgc.errors import DataError, nearest
from tcmgc_plugins.datasets.annotated.entry import Entry, Sentence, all_captions
from tcmgc_plugins.datasets.annotated.hold_out import hold_out
from tcmgc_plugins.datasets.annotated.text_file import kind, read_csv, read_json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotation_files import AnnotationFiles
    from tcmgc_plugins.datasets.annotated.entry import Annotations

ENDINGS = (".csv", ".jsonl", ".ndjson")
COLUMNS = ("video", "caption", "split")
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


def read_annotations(
    files: AnnotationFiles, table: str | None, *, share: float | None, seed: int
) -> Annotations:
    """Read the splits that the table has, and hold val out of train where it has none.

    Parameters
    ----------
    files
        Of the root.
    table, seed
        See `Folder`.
    share
        Of train, that is held out; None for nothing.

    Raises
    ------
    DataError
        For the first mistake in the table, with its line.
    """
    path = _table(files, table)
    entries: dict[str, Entry] = {}
    split_of: dict[str, tuple[SplitName, int]] = {}
    for line, row in _rows(path):
        video, sentence, split = _row(path, line, row)
        other, first = split_of.setdefault(video, (split, line))
        if other != split:
            raise DataError(
                f"file {path}: line {line}",
                found=f"{video!r} in {split}, and in {other} at line {first}",
                expected="a video in one split only",
            )
        before = entries.get(video, Entry(video, ()))
        entries[video] = replace(before, sentences=(*before.sentences, sentence))
    found = {name: [entries[video] for video, (its, _) in split_of.items() if its == name] for name in SPLITS}
    splits = {name: all_captions(chosen) for name, chosen in found.items() if chosen}
    if share is not None and "train" in splits and "val" not in splits:
        splits["train"], splits["val"] = hold_out(splits["train"], share=share, seed=seed, one_caption=False)
    return splits


def _table(files: AnnotationFiles, table: str | None) -> Path:
    if table is not None:
        return files.folder / Path(table).expanduser()
    found = [path for path in files.walked.files if path.parent == files.folder and path.suffix in ENDINGS]
    if len(found) != 1:
        raise DataError(
            f"folder: table in {files.folder}",
            found=f"{len(found)} tables{': ' if found else ''}{', '.join(path.name for path in found[:3])}",
            expected=f"one file *{' or *'.join(ENDINGS)}, with the columns {', '.join(COLUMNS)}",
            hint="dataset.table=FILE names it",
        )
    return found[0]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.suffix not in ENDINGS:
        raise DataError(f"table {path}", found=f"the ending {path.suffix!r}", expected=" or ".join(ENDINGS))
    if path.suffix != ".csv":
        yield from read_json_lines(path)
        return
    for line, row in enumerate(read_csv(path, COLUMNS), start=2):
        text = row.get("moments", "").strip()
        try:
            yield line, {**row, "moments": json.loads(text) if text else []}
        except ValueError:
            raise DataError(
                f"file {path}: row {line}: moments", found=repr(text), expected="[[start, end], ...]"
            ) from None


def _row(path: Path, line: int, row: dict[str, Any]) -> tuple[str, Sentence, SplitName]:
    where = f"file {path}: row {line}"
    for column in COLUMNS:
        value = row.get(column)
        if not isinstance(value, str) or not value.strip():
            found = repr(value) if isinstance(value, str) else kind(value)
            raise DataError(f"{where}: {column}", found=found, expected="a text that is not empty")
    split = row["split"].strip()
    if split not in SPLITS:
        hint = nearest(split, SPLITS)
        raise DataError(f"{where}: split", found=repr(split), expected=" or ".join(SPLITS), hint=hint)
    listed = row.get("moments") or []
    if not isinstance(listed, list):
        raise DataError(f"{where}: moments", found=repr(listed), expected="[[start, end], ...]")
    moments = tuple(_moment(f"{where}: moments", pair) for pair in listed)
    return row["video"].removeprefix("./"), Sentence(row["caption"], moments), split


def _moment(where: str, pair: Any) -> Moment:
    try:
        start, end = map(float, pair)
        right = 0 <= start < end and math.isfinite(end)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise DataError(where, found=repr(pair), expected="[start, end] in seconds, start before end")
    return Moment(start, end)

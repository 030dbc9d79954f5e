"""DiDeMo's files: descriptions of moments in JSON, lists of file names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tcmgc.data.clip import Moment
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.annotated.entry import AnnotatedSplit, Entry, paragraph
from tcmgc_plugins.datasets.annotated.text_file import expect, read_json, read_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotation_files import AnnotationFiles
    from tcmgc_plugins.datasets.annotated.entry import Annotations

CHUNK = 5.0
"""Seconds: annotators chose stretches of whole chunks."""
START, END = 0.0, 31.0
"""Seconds that are looked at, as released: annotators saw the first 30 of a longer video."""
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
OFFICIAL = {
    "train_list.txt": 8_392,
    "val_list.txt": 1_065,
    "test_list.txt": 1_004,
    "val_data.json": 4_180,
    "test_data.json": 4_021,
}
"""Names of a list, and descriptions of a JSON file; those of train_data.json were never counted here."""


def read_annotations(files: AnnotationFiles) -> Annotations:
    """Read all splits.

    Raises
    ------
    DataError
        For a file that is missing, damaged, or holds another number of rows than the published one.
    """
    return {name: _read(files, name) for name in SPLITS}


def _read(files: AnnotationFiles, name: SplitName) -> AnnotatedSplit:
    listed = files.find(f"{name}_list.txt")
    names = read_list(listed)
    files.check(listed, len(names), "file names")
    described = files.find(f"{name}_data.json")
    rows = expect(described, read_json(described), list, "the file")
    files.check(described, len(rows), "descriptions")
    told = _by_video(described, rows, frozenset(names))
    # As released: in the order of the JSON file. What is listed and not described comes last.
    entries = [_entry(video, parts) for video, parts in told.items()]
    entries += [_entry(video, []) for video in names if video not in told]
    count = sum(len(parts) for parts in told.values())
    return AnnotatedSplit(tuple(entries), f"a paragraph a clip, {count:,} descriptions joined in all")


def _by_video(path: Path, rows: list[Any], names: frozenset[str]) -> Mapping[str, list[tuple[str, Moment]]]:
    """Collect the descriptions of listed videos. Another file name of a listed video is another video."""
    found: dict[str, list[tuple[str, Moment]]] = {}
    for number, row in enumerate(rows):
        video = expect(
            path, expect(path, row, dict, f"row {number}").get("video"), str, f"row {number}: video"
        )
        if video in names:
            text = expect(path, row.get("description"), str, f"row {number}: description")
            found.setdefault(video, []).append((text, _moment(path, number, row.get("times"))))
    return found


def _moment(path: Path, number: int, times: object) -> Moment:
    """Average what the annotators chose, as released."""
    try:
        pairs = [(float(first), float(last)) for first, last in times]  # type: ignore[attr-defined]
        start = sum(first for first, _ in pairs) / len(pairs)
        end = sum(last for _, last in pairs) / len(pairs)
    except (TypeError, ValueError, ZeroDivisionError):
        raise DataError(
            f"file {path}: row {number}: times", found=repr(times), expected="pairs of chunks [[0, 1], ...]"
        ) from None
    return Moment(CHUNK * start, CHUNK * (end + 1))


def _entry(video: str, parts: list[tuple[str, Moment]]) -> Entry:
    told = (paragraph([text for text, _ in parts], [moment for _, moment in parts]),) if parts else ()
    return Entry(video, told, START, END, source="_".join(video.split("_")[:2]))

"""VATEX's files: captions in three forms of JSON, lists of ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tcmgc.errors import DataError
from tcmgc_plugins.datasets.annotated.entry import AnnotatedSplit, Entry, all_captions, sentences
from tcmgc_plugins.datasets.annotated.text_file import expect, kind, read_json, read_list

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotation_files import AnnotationFiles
    from tcmgc_plugins.datasets.annotated.entry import Annotations

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
CAPTIONS = "ref_captions.json"
OTHER_CAPTIONS = ("vatex_data.json",)
RELEASED = ("vatex_training_v1.0.json", "vatex_validation_v1.0.json")
"""The files of the data set's own site: HGR's three lists are of these two."""
OFFICIAL = {"train_list.txt": 25_991, "val_list.txt": 1_500, "test_list.txt": 1_500}
STAMP = len("_000000_000010")
"""The time stamp at the end of an id; what stands before it is YouTube's."""


def read_annotations(files: AnnotationFiles, *, captions: str | None, most: int | None) -> Annotations:
    """Read the splits of the lists; the parameters are those of `Vatex`.

    Raises
    ------
    DataError
        For a file that is missing, damaged, or holds another number of rows than the published one.
    """
    told = _captions(files, captions)
    return {name: _read(files, name, told, most) for name in SPLITS}


def _read(
    files: AnnotationFiles, name: SplitName, told: Mapping[str, list[str]], most: int | None
) -> AnnotatedSplit:
    path = files.find(f"{name}_list.txt")
    ids = read_list(path)
    files.check(path, len(ids), "ids")
    split = all_captions(
        [Entry(clip, sentences(told.get(clip, ())[:most]), source=clip[:-STAMP] or None) for clip in ids]
    )
    if most is None:
        return split
    return AnnotatedSplit(split.entries, f"the first {most} at most: {split.caption_rule}")


def _captions(files: AnnotationFiles, name: str | None) -> dict[str, list[str]]:
    if name is None and not files.has(CAPTIONS) and files.has(RELEASED[0]):
        return {k: v for other in RELEASED for k, v in read_captions(files.find(other)).items()}
    return read_captions(files.find(CAPTIONS, *OTHER_CAPTIONS) if name is None else files.find(name))


def read_captions(path: Path) -> dict[str, list[str]]:
    """Read captions by video, whatever their number.

    Parameters
    ----------
    path
        ``{id: [caption, ...]}`` (HGR, UCoFiA, TC-MGC), ``{id: {"enCap": [...]}}`` (CLIP2Video), or
        ``[{"videoID": id, "enCap": [...]}, ...]`` (the data set's own). Chinese captions are not read.

    Raises
    ------
    DataError
        When it has none of these forms.
    """
    content = read_json(path)
    if isinstance(content, list):
        content = {_id(path, number, row): row for number, row in enumerate(content)}
    elif not isinstance(content, dict):
        raise DataError(f"file {path}", found=kind(content), expected="an object {...} or a list [...]")
    return {clip: _texts(path, clip, row) for clip, row in content.items()}


def _id(path: Path, number: int, row: Any) -> str:
    clip: str = expect(
        path, expect(path, row, dict, f"row {number}").get("videoID"), str, f"row {number}: videoID"
    )
    return clip


def _texts(path: Path, clip: str, row: Any) -> list[str]:
    texts = row.get("enCap") if isinstance(row, dict) else row
    return [expect(path, text, str, f"a caption of {clip}") for text in expect(path, texts, list, clip)]

"""The files of ActivityNet Captions: sentences with their times in JSON, lists of ids."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from tcmgc.data.clip import Moment
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.annotated.entry import AnnotatedSplit, Entry, paragraph
from tcmgc_plugins.datasets.annotated.hold_out import hold_out
from tcmgc_plugins.datasets.annotated.text_file import expect, read_json, refuse_doubles

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc_plugins.datasets.annotated.annotation_files import AnnotationFiles
    from tcmgc_plugins.datasets.annotated.entry import Annotations

TRAIN = ("train.json", "train_modified.json")
"""The second is PDVC's edited copy."""
TEST = "val_1.json"
TRAIN_IDS, TEST_IDS = "train_ids.json", "val_ids.json"
OFFICIAL = {
    "train.json": 10_009,
    "train_modified.json": 10_009,
    TEST: 4_917,
    TRAIN_IDS: 10_009,
    TEST_IDS: 4_917,
}
RULE = "a paragraph a clip"


def read_annotations(
    files: AnnotationFiles, *, validation: Literal["own", "test"], share: float, seed: int
) -> Annotations:
    """Read train and test, and hold val out; the parameters are those of `ActivityNet`.

    Raises
    ------
    DataError
        For a file that is missing, damaged, or holds another number of rows than the published one.
    """
    train = _read(files, TRAIN, TRAIN_IDS)
    test = _read(files, (TEST,), TEST_IDS)
    if validation == "test":
        val = AnnotatedSplit(test.entries, f"the test split itself, as released: {test.caption_rule}")
        return {"train": train, "val": val, "test": test}
    train, val = hold_out(train, share=share, seed=seed, one_caption=False)
    return {"train": train, "val": val, "test": test}


def _read(files: AnnotationFiles, names: tuple[str, ...], listed: str) -> AnnotatedSplit:
    path = files.find(*names)
    told: dict[str, Any] = expect(path, read_json(path), dict, "the file")
    files.check(path, len(told), "videos")
    ids = list(told)
    if files.has(listed):
        named = files.find(listed)
        ids = [expect(named, one, str, "an id") for one in expect(named, read_json(named), list, "the file")]
        refuse_doubles(named, ids)
        files.check(named, len(ids), "ids")
    return AnnotatedSplit(tuple(_entry(path, clip, told.get(clip)) for clip in ids), RULE)


def _entry(path: Path, clip: str, row: Any) -> Entry:
    if row is None:
        return Entry(clip, ())
    expect(path, row, dict, clip)
    texts = [
        expect(path, t, str, f"{clip}: a sentence") for t in expect(path, row.get("sentences"), list, clip)
    ]
    try:
        duration = float(row["duration"])
        moments = [_moment(*map(float, pair), duration) for pair in row["timestamps"]]  # type: ignore[call-arg]
    except (KeyError, TypeError, ValueError):
        moments = []
    if not texts or len(moments) != len(texts):
        raise DataError(
            f"file {path}: {clip}",
            found=f"{len(texts)} sentences, and {len(moments)} timestamps with a duration",
            expected="duration, and as many pairs of timestamps as sentences, at least one",
        )
    return Entry(clip, (paragraph(texts, moments),), 0.0, float(ceil(duration)), source=clip)


def _moment(start: float, end: float, duration: float) -> Moment:
    """Take a span as it is meant: two of train are the wrong way round, twelve end after the video."""
    first, last = sorted((start, end))
    return Moment(max(0.0, min(first, duration)), min(last, duration))

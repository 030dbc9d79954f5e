"""MSR-VTT's files: captions in JSON, lists of ids in CSV or text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from tcmgc_plugins.datasets.annotated.entry import AnnotatedSplit, Entry, all_captions, sentences
from tcmgc_plugins.datasets.annotated.hold_out import hold_out
from tcmgc_plugins.datasets.annotated.text_file import expect, read_csv, read_json, read_list, refuse_doubles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotation_files import AnnotationFiles
    from tcmgc_plugins.datasets.annotated.entry import Annotations

Partition: TypeAlias = Literal["1k-a-9k", "1k-a-7k", "full", "1k-b"]

CAPTIONS = "MSRVTT_data.json"
CHALLENGE = ("train_val_videodatainfo.json", "test_videodatainfo.json")
"""The same in the two files of the challenge of 2016."""
TEST_1KA = "MSRVTT_JSFUSION_test.csv"
TRAIN: dict[str, tuple[str, ...]] = {
    "1k-a-9k": ("MSRVTT_train.9k.csv", "train_list_jsfusion.txt"),
    "1k-a-7k": ("MSRVTT_train.7k.csv",),
    "1k-b": ("train_list_miech.txt",),
}
TEST_1KB = "test_list_miech.txt"
FULL: dict[SplitName, tuple[str, str]] = {
    "train": ("train_list_full.txt", "train"),
    "val": ("val_list_full.txt", "validate"),
    "test": ("test_list_full.txt", "test"),
}
"""By split, the list of the collaborative experts, and what the captions' file calls it."""
OFFICIAL = {
    CAPTIONS: 200_000,
    "train_val_videodatainfo.json": 140_200,
    "test_videodatainfo.json": 59_800,
    TEST_1KA: 1_000,
    "MSRVTT_train.9k.csv": 9_000,
    "train_list_jsfusion.txt": 9_000,
    "MSRVTT_train.7k.csv": 7_010,
    "train_list_miech.txt": 6_656,
    TEST_1KB: 1_000,
    "train_list_full.txt": 6_513,
    "val_list_full.txt": 497,
    "test_list_full.txt": 2_990,
}


@dataclass
class CaptionsFile:
    """What MSRVTT_data.json says, by video: captions in their order, the source's address, the split."""

    captions: dict[str, list[str]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)

    def entry(self, video: str) -> Entry:
        """Return a clip with all its captions."""
        return Entry(video, sentences(self.captions.get(video, ())), source=self.sources.get(video))

    def entries(self, videos: Iterable[str]) -> list[Entry]:
        """Return clips with all their captions."""
        return [self.entry(video) for video in videos]


def read_annotations(
    files: AnnotationFiles,
    partition: Partition,
    *,
    captions: str | None,
    validation: Literal["own", "test"],
    share: float,
    seed: int,
) -> Annotations:
    """Read the splits of a partition; the parameters are those of `MsrVtt`.

    Raises
    ------
    DataError
        For a file that is missing, damaged, or holds another number of rows than the published one.
    """
    said = read_captions(files, captions)
    if partition == "full":
        found = {name: all_captions(said.entries(_full(files, said, name))) for name in FULL}
    else:
        train = all_captions(said.entries(_train(files, partition)))
        test = _test_1kb(files, said) if partition == "1k-b" else _test_1ka(files, said)
        if validation == "test":
            return {"train": train, "val": _as_released(test), "test": test}
        train, val = hold_out(train, share=share, seed=seed, one_caption=True)
        return {"train": train, "val": val, "test": test}
    if validation == "test":
        found["val"] = _as_released(found["test"])
    return found


def read_captions(files: AnnotationFiles, name: str | None) -> CaptionsFile:
    """Read MSRVTT_data.json, or the two files of the challenge, or a file of that format."""
    if name is not None:
        paths = [files.find(name)]
    elif not files.has(CAPTIONS) and files.has(CHALLENGE[0]):
        paths = [files.find(other) for other in CHALLENGE]
    else:
        paths = [files.find(CAPTIONS)]
    said = CaptionsFile()
    for path in paths:
        rows = _read_into(said, path)
        files.check(path, rows, "captions")
    return said


def _read_into(said: CaptionsFile, path: Path) -> int:
    content = expect(path, read_json(path), dict, "the file")
    listed = expect(path, content.get("sentences"), list, "sentences")
    for number, row in enumerate(listed):
        place = f"sentences[{number}]"
        expect(path, row, dict, place)
        video = expect(path, row.get("video_id"), str, f"{place}.video_id")
        text = expect(path, row.get("caption"), str, f"{place}.caption")
        said.captions.setdefault(video, []).append(text)
    for number, row in enumerate(expect(path, content.get("videos", []), list, "videos")):
        expect(path, row, dict, f"videos[{number}]")
        video = expect(path, row.get("video_id"), str, f"videos[{number}].video_id")
        if isinstance(row.get("url"), str):
            said.sources[video] = row["url"]
        if isinstance(row.get("split"), str):
            said.splits[video] = row["split"]
    return len(listed)


def _train(files: AnnotationFiles, partition: Partition) -> list[str]:
    path = files.find(*TRAIN[partition])
    ids = _ids(path)
    files.check(path, len(ids), "videos")
    return ids


def _ids(path: Path) -> list[str]:
    if path.suffix != ".csv":
        return read_list(path)
    ids = [row["video_id"] for row in read_csv(path, ["video_id"])]
    refuse_doubles(path, ids)
    return ids


def _full(files: AnnotationFiles, said: CaptionsFile, split: SplitName) -> list[str]:
    name, word = FULL[split]
    if not files.has(name) and word in said.splits.values():
        return [video for video, its_split in said.splits.items() if its_split == word]
    path = files.find(name)
    ids = read_list(path)
    files.check(path, len(ids), "videos")
    return ids


def _test_1ka(files: AnnotationFiles, said: CaptionsFile) -> AnnotatedSplit:
    path = files.find(TEST_1KA)
    rows = read_csv(path, ["video_id", "sentence"])
    refuse_doubles(path, [row["video_id"] for row in rows])
    files.check(path, len(rows), "rows")
    entries = tuple(
        Entry(row["video_id"], sentences([row["sentence"]]), source=said.sources.get(row["video_id"]))
        for row in rows
    )
    return AnnotatedSplit(entries, f"one a clip, {TEST_1KA}")


def _test_1kb(files: AnnotationFiles, said: CaptionsFile) -> AnnotatedSplit:
    path = files.find(TEST_1KB)
    ids = read_list(path)
    files.check(path, len(ids), "videos")
    entries = tuple(Entry(entry.id, entry.sentences[:1], source=entry.source) for entry in said.entries(ids))
    return AnnotatedSplit(entries, "the first of each clip")


def _as_released(test: AnnotatedSplit) -> AnnotatedSplit:
    return AnnotatedSplit(test.entries, f"the test split itself, as released: {test.caption_rule}")

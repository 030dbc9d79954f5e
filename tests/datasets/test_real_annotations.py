"""The real annotation files load with the counts that were measured from them independently."""

from __future__ import annotations

import csv
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from shared_files import copied, shared
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.didemo.dataset import Didemo
from tcmgc_plugins.datasets.msr_vtt.dataset import MsrVtt
from tcmgc_plugins.datasets.msvd.dataset import Msvd
from tcmgc_plugins.datasets.vatex.annotations import read_captions
from tcmgc_plugins.datasets.vatex.dataset import Vatex

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos
    from tcmgc_plugins.datasets.annotated.entry import Entry

DERIVED = "derived_MSRVTT_data.val_test.json"
"""Of the format of MSRVTT_data.json, with the captions of the official val and test splits only."""


@pytest.fixture(scope="module")
def msrvtt() -> str:
    return str(shared("msrvtt"))


@pytest.fixture(scope="module")
def didemo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The files of val and test, and train.

    train_data.json is not at hand: what stands for it has a paragraph a video in place of its descriptions,
    of the 8,362 videos for which T-MASS has one.
    """
    names = [f"{split}_{what}" for split in ("val", "test") for what in ("data.json", "list.txt")]
    names += ["train_list.txt"]
    folder = copied("didemo", {name: name for name in names}, tmp_path_factory.mktemp("didemo"))
    train = folder / "train_data.json"
    with (shared("didemo") / "tmass_didemo_train_label.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["success"] == "True"]
    content = [
        {"video": row["video_path"].rpartition("/")[2], "description": row["text"], "times": [[0, 5]]}
        for row in rows
    ]
    train.write_text(json.dumps(content))
    return str(folder)


@pytest.fixture(scope="module")
def vatex(tmp_path_factory: pytest.TempPathFactory) -> str:
    files = {f"hgr_{split}_list.txt": f"{split}_list.txt" for split in ("train", "val", "test")}
    files["derived_ref_captions.val_test.json"] = "ref_captions.json"
    return str(copied("vatex", files, tmp_path_factory.mktemp("vatex")))


@pytest.fixture(scope="module")
def folders(msrvtt: str, didemo: str, vatex: str) -> dict[str, str]:
    return {"msr-vtt": msrvtt, "didemo": didemo, "vatex": vatex, "msvd": str(shared("msvd"))}


def entries(dataset: AnnotatedVideos, split: SplitName) -> tuple[Entry, ...]:
    return dataset.annotations[split].entries


def texts(found: tuple[Entry, ...]) -> list[str]:
    return [sentence.text for entry in found for sentence in entry.sentences]


CLASSES: dict[str, Any] = {
    "msr-vtt": MsrVtt,
    "didemo": Didemo,
    "vatex": Vatex,
    "msvd": Msvd,
}


@pytest.mark.parametrize(
    ("name", "options", "split", "clips", "described", "captions", "distinct", "words"),
    [
        # clips of the list, of them with a caption here, captions, distinct ones; words: least, mean, most
        ("msr-vtt", {"validation": "test"}, "train", 9000, 2487, 49740, None, None),
        ("msr-vtt", {"validation": "test"}, "val", 1000, 1000, 1000, 995, (3, 9.40, 30)),
        ("msr-vtt", {}, "test", 1000, 1000, 1000, 995, (3, 9.40, 30)),
        ("msr-vtt", {"split": "1k-a-7k", "validation": "test"}, "train", 7010, 497, 9940, None, None),
        ("msr-vtt", {"split": "1k-a-7k"}, "test", 1000, 1000, 1000, 995, (3, 9.40, 30)),
        ("msr-vtt", {"split": "full"}, "train", 6513, 0, 0, None, None),
        ("msr-vtt", {"split": "full"}, "val", 497, 497, 9940, None, (None, 9.22, 45)),
        ("msr-vtt", {"split": "full"}, "test", 2990, 2990, 59800, 51582, (3, 9.32, 59)),
        ("didemo", {}, "train", 8392, 8362, 8362, None, (None, 29.25, 91)),
        ("didemo", {}, "val", 1065, 1065, 1065, None, None),
        ("didemo", {}, "test", 1004, 1004, 1004, None, (None, 29.4, 81)),
        ("vatex", {}, "train", 25991, 0, 0, None, None),
        ("vatex", {}, "val", 1500, 1395, 6975, 6975, None),
        ("vatex", {}, "test", 1500, 1415, 7075, 7075, None),
        ("vatex", {"captions_a_clip": 1}, "test", 1500, 1415, 1415, 1415, None),
        ("msvd", {}, "train", 1200, 1200, 48774, None, (1, 7.0, 45)),
        ("msvd", {}, "val", 100, 100, 4290, None, None),
        ("msvd", {}, "test", 670, 670, 27763, None, None),
    ],
)
def test_counts(
    folders: dict[str, str],
    name: str,
    options: dict[str, Any],
    split: SplitName,
    clips: int,
    described: int,
    captions: int,
    distinct: int | None,
    words: tuple[int | None, float, int | None] | None,
) -> None:
    if name == "msr-vtt":
        options = {"captions": DERIVED, **options}
    found = entries(CLASSES[name](annotations=folders[name], **options), split)
    told = texts(found)
    assert len({entry.id for entry in found}) == len(found) == clips
    assert sum(bool(entry.sentences) for entry in found) == described
    assert len(told) == captions
    if distinct is not None:
        assert len(set(told)) == distinct
    if words is not None:
        counts = [len(text.split()) for text in told]
        least, mean, most = words
        assert least in (None, min(counts))
        assert most in (None, max(counts))
        assert sum(counts) / len(counts) == pytest.approx(mean, abs=0.05)


def test_1k_a_rows_are_in_order(msrvtt: str) -> None:
    found = entries(MsrVtt(annotations=msrvtt, captions=DERIVED), "test")
    lines = (shared("msrvtt") / "MSRVTT_JSFUSION_test.csv").read_text(encoding="utf-8").splitlines()[1:]
    # No sentence of this file holds a comma, so that splitting is enough.
    assert [(entry.id, *texts((entry,))) for entry in found] == [tuple(line.split(",")[2:]) for line in lines]
    assert found[0].id == "video9770"


def test_1k_a_is_disjoint_and_7k_is_part_of_9k(msrvtt: str) -> None:
    def ids(options: dict[str, Any], split: SplitName) -> set[str]:
        return {e.id for e in entries(MsrVtt(annotations=msrvtt, captions=DERIVED, **options), split)}

    whole, seven = (
        ids({"validation": "test"}, "train"),
        ids({"split": "1k-a-7k", "validation": "test"}, "train"),
    )
    assert not whole & ids({}, "test")
    assert seven < whole
    assert len(whole - seven) == 1990
    assert len(ids({"split": "full"}, "test") & whole) == 1990


def test_msr_vtt_white_space_is_kept(msrvtt: str) -> None:
    found = MsrVtt(annotations=msrvtt, captions=DERIVED, split="full")
    told = texts(entries(found, "val")) + texts(entries(found, "test"))
    assert sum("  " in text for text in told) == 1190
    assert sum(text != text.strip() for text in told) == 440
    assert sum(not text.isascii() for text in told) == 6


def test_the_held_out_split_is_of_train_and_has_one_caption(msrvtt: str) -> None:
    whole = entries(MsrVtt(annotations=msrvtt, captions=DERIVED, validation="test"), "train")
    dataset = MsrVtt(annotations=msrvtt, captions=DERIVED)
    train, val = entries(dataset, "train"), entries(dataset, "val")
    assert (len(train), len(val)) == (8550, 450)
    assert {e.id for e in train} | {e.id for e in val} == {e.id for e in whole}
    all_texts = {e.id: set(texts((e,))) for e in whole}
    assert all(set(texts((e,))) <= all_texts[e.id] and len(e.sentences) <= 1 for e in val)
    assert sum(len(e.sentences) for e in val) > 100
    assert "val: 450 of 9000 train clips by seed 0, one caption each" in dataset.notes
    other = entries(MsrVtt(annotations=msrvtt, captions=DERIVED, seed=1), "val")
    assert {e.id for e in other} != {e.id for e in val}


def test_didemo_paragraphs_are_those_of_t_mass(didemo: str) -> None:
    dataset = Didemo(annotations=didemo)
    found = entries(dataset, "test")
    with (shared("didemo") / "tmass_didemo_test_label.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["video_path"].rpartition("/")[2], row["text"]) for row in csv.DictReader(file)]
    assert [(entry.id, *texts((entry,))) for entry in found] == rows
    assert all((entry.start, entry.end) == (0, 31) for entry in found)


def test_didemo_descriptions_and_their_moments(didemo: str) -> None:
    dataset = Didemo(annotations=didemo)
    for split, descriptions in (("val", 4109), ("test", 3932)):
        found = entries(dataset, split)  # type: ignore[arg-type]
        links = [sentence.links for entry in found for sentence in entry.sentences]
        assert sum(map(len, links)) == descriptions
        assert f"{descriptions:,} descriptions" in dataset.annotations[split].caption_rule  # type: ignore[index]
    assert Counter(map(len, links))[1] == 45
    assert Counter(map(len, links))[5] == 349
    assert Counter(map(len, links))[6] == 10
    first = found[0].sentences[0]
    assert (
        first.text[slice(first.links[0].start, first.links[0].end)]
        == "someone kicks the bug towards some rocks."
    )
    # Annotators chose chunks 4, 4, 0, 4, 0, 0 and 4 of five seconds.
    assert first.moments[0].start == pytest.approx(5 * 16 / 7)
    assert first.moments[0].end == pytest.approx(5 * 16 / 7 + 5)


def test_didemo_second_names_are_left_out(didemo: str) -> None:
    dataset = Didemo(annotations=didemo)
    for split, doubled, dropped in (("val", 29, 71), ("test", 33, 89)):
        rows = json.loads((shared("didemo") / f"{split}_data.json").read_text(encoding="utf-8"))
        names = {row["video"] for row in rows}
        ids = {entry.id for entry in entries(dataset, split)}  # type: ignore[arg-type]
        assert len(names - ids) == doubled
        assert sum(row["video"] not in ids for row in rows) == dropped
        bases = {name.rpartition(".")[0] for name in ids}
        assert all(name.rpartition(".")[0] in bases for name in names - ids)


def test_didemo_names_of_all_containers_are_there(didemo: str) -> None:
    endings = Counter(entry.id.rpartition(".")[2] for entry in entries(Didemo(annotations=didemo), "test"))
    expected = {"mov": 422, "avi": 220, "mp4": 179, "mpg": 55, "wmv": 36, "m4v": 36, "": 27, "3gp": 20}
    assert endings == {**expected, "mts": 7, "3g2": 2}


def test_vatex_ids_and_sources(vatex: str) -> None:
    dataset = Vatex(annotations=vatex)
    found = {name: entries(dataset, name) for name in ("train", "val", "test")}
    everything = [entry for split in found.values() for entry in split]
    assert len(everything) == len({e.id for e in everything}) == 28991
    assert len({e.source for e in everything}) == 28986
    assert all(len(e.id) == 25 and len(e.source or "") == 11 for e in everything)
    assert [sum(e.id.startswith("-") for e in found[name]) for name in ("train", "test")] == [646, 36]
    lines = (shared("vatex") / "hgr_test_list.txt").read_text().split()
    assert [entry.id for entry in found["test"]] == lines
    assert dataset.annotations["test"].caption_rule == "all, 5 a clip"


def test_vatex_official_json_has_ten_english_captions() -> None:
    told = read_captions(shared("vatex") / "videocap5data.json")
    assert [len(texts) for texts in told.values()] == [10] * 5
    assert (
        told["5-xGskbsBgI_000055_000065"][1]
        == "A person is setting up a table to get get ready to shine boots"
    )


@pytest.mark.parametrize("name", ["didemo", "vatex", "msvd"])
def test_no_train_clip_shares_its_source_with_test(folders: dict[str, str], name: str) -> None:
    dataset = CLASSES[name](annotations=folders[name])
    assert all(entry.source is not None for entry in entries(dataset, "train"))
    train = {entry.source for entry in entries(dataset, "train")}
    assert not train & {entry.source for entry in entries(dataset, "test")}
    assert not [note for note in dataset.notes if "cut from a video" in note]


def test_a_list_of_another_length_is_refused(tmp_path: Path) -> None:
    names = {name: name for name in ("captions_msvd.json", "val_list.txt", "test_list.txt", "train_list.txt")}
    folder = copied("msvd", names, tmp_path / "msvd")
    lines = (folder / "test_list.txt").read_text().splitlines()
    (folder / "test_list.txt").write_text("\n".join(lines[:-3]))
    with pytest.raises(DataError, match=r"667 ids\n  expected: 670") as refused:
        Msvd(annotations=str(folder)).annotations.keys()
    assert "own_lists=true" in str(refused.value)
    dataset = Msvd(annotations=str(folder), own_lists=True)
    assert len(entries(dataset, "test")) == 667

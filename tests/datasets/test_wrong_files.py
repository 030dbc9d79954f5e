"""What is wrong with the files that a user has: one clear error each, or the right result."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from made_videos import listed, touch, write
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.didemo.dataset import Didemo
from tcmgc_plugins.datasets.folder.dataset import Folder
from tcmgc_plugins.datasets.msr_vtt.dataset import MsrVtt
from tcmgc_plugins.datasets.vatex.dataset import Vatex

if TYPE_CHECKING:
    from pathlib import Path

IDS = ("-a b_000001_000011", "b.c_000001_000011", "Cc_000001_000011")
"""With what a command line, a split at blanks, or one at dots would break."""
CAPTIONS: dict[str, Any] = {clip: [f"about {clip}", "null"] for clip in IDS}


def vatex(folder: Path, captions: Any = CAPTIONS, ids: tuple[str, ...] = IDS) -> Path:
    files = {f"{name}_list.txt": listed(*ids) for name in ("train", "val", "test")}
    return write(folder, {"ref_captions.json": captions, **files})


def fails(dataset: Any) -> str:
    with pytest.raises(DataError) as refused:
        dataset.prepare()
    said = str(refused.value)
    assert "\n  found: " in said
    assert "\n  expected: " in said
    return said


def test_ids_with_dashes_blanks_and_dots_are_found(tmp_path: Path) -> None:
    touch(vatex(tmp_path), *(f"a b/- c/{clip}.mp4" for clip in IDS))
    dataset = Vatex(root=str(tmp_path), own_lists=True)
    dataset.prepare()
    assert [clip.id for clip in dataset.split("test").clips] == list(IDS)
    assert [caption.text for caption in dataset.split("test").captions][1] == "null"


def test_ids_differ_by_case(tmp_path: Path) -> None:
    touch(vatex(tmp_path), *(f"{clip.lower()}.mp4" for clip in IDS))
    assert "videos of 1 of 3 test clips: Cc_000001_000011" in fails(Vatex(root=str(tmp_path), own_lists=True))


@pytest.mark.parametrize("clip", ["../../etc/passwd", "/etc/passwd", "a/b", "..", "a\\b", "a\0b"], ids=repr)
def test_an_id_that_is_a_path_is_refused(tmp_path: Path, clip: str) -> None:
    root = touch(vatex(tmp_path / "x" / "root", {clip: ["text"]}, (clip, *IDS)), "a/b.mp4")
    touch(tmp_path, "etc/passwd.mp4", "passwd.mp4")
    said = fails(Vatex(root=str(root), own_lists=True))
    assert repr(clip) in said
    assert "found" in said
    assert "passwd.mp4" not in said


@pytest.mark.parametrize("video", ["../../etc/passwd", "/etc/passwd", "sub/../../up.mp4", "a//b.mp4"])
def test_a_path_out_of_the_root_is_refused(tmp_path: Path, video: str) -> None:
    root = write(tmp_path / "root", {"t.csv": f"video,caption,split\n{video},text,test\n"})
    touch(tmp_path, "up.mp4", "root/a/b.mp4")
    said = fails(Folder(root=str(root)))
    assert repr(video) in said
    assert "expected: a path below the root" in said


def test_links_out_of_the_root_are_named(tmp_path: Path) -> None:
    outside = touch(tmp_path / "disk", *(f"{clip}.mp4" for clip in IDS))
    root = vatex(tmp_path / "root")
    (root / "videos").symlink_to(outside)
    said = fails(Vatex(root=str(root), own_lists=True))
    assert (
        f"none of train and val and test; {root / 'videos'} is a link out of the folder, to {outside}" in said
    )
    assert "dataset.follow_links=true" in said
    Vatex(root=str(root), own_lists=True, follow_links=True).prepare()
    Vatex(root=str(outside), annotations=str(root), own_lists=True).prepare()


def test_a_link_of_one_video_out_of_the_root_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "secret")
    root = touch(vatex(tmp_path / "root"), *(f"{clip}.mp4" for clip in IDS[1:]))
    (root / f"{IDS[0]}.mp4").symlink_to(tmp_path / "secret")
    said = fails(Vatex(root=str(root), own_lists=True))
    assert f"{IDS[0]} is a link out of the folder, to {tmp_path / 'secret'}" in said
    dropped = Vatex(root=str(root), own_lists=True, missing="drop")
    dropped.prepare()
    assert [clip.id for clip in dropped.split("test").clips] == list(IDS[1:])


def test_missing_videos_fail_or_are_dropped_and_counted(tmp_path: Path) -> None:
    touch(vatex(tmp_path), *(f"{clip}.mp4" for clip in IDS[:2]), f"{IDS[2]}.mp4.part", f"{IDS[2]}.txt")
    said = fails(Vatex(root=str(tmp_path), own_lists=True))
    assert "videos of 1 of 3 train clips" in said
    assert "dataset.missing=drop" in said
    dataset = Vatex(root=str(tmp_path), own_lists=True, missing="drop")
    dataset.prepare()
    split = dataset.split("test")
    assert (len(split.clips), split.expected_clips) == (2, 3)
    assert dataset.absent("test").videos == (IDS[2],)
    assert "test 2 of 3" in dataset.version
    touch(tmp_path, f"{IDS[2]}.mp4")
    (tmp_path / f"{IDS[1]}.mp4").unlink()
    other = Vatex(root=str(tmp_path), own_lists=True, missing="drop")
    assert other.version != dataset.version  # as many, but others


def test_a_split_without_any_video_fails_even_if_what_is_missing_is_dropped(tmp_path: Path) -> None:
    touch(vatex(tmp_path), "other.mp4")
    dataset = Vatex(root=str(tmp_path), own_lists=True, missing="drop")
    with pytest.raises(DataError, match="none of test; 1 video files of other names are there"):
        dataset.split("test")


def test_the_version_goes_by_content(tmp_path: Path) -> None:
    other = {clip: CAPTIONS[clip] for clip in reversed(CAPTIONS)}
    changed = {**CAPTIONS, IDS[0]: ["another"]}
    versions = [
        Vatex(
            root=str(touch(vatex(tmp_path / name, captions), *(f"{i}.mp4" for i in IDS))), own_lists=True
        ).version
        for name, captions in (("a", CAPTIONS), ("b", other), ("c", changed))
    ]
    assert versions[0] == versions[1] != versions[2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(CAPTIONS)[:-20], ["JSON that ends in the middle", "half a download"]),
        (json.dumps(CAPTIONS)[:2], ["JSON that ends in the middle"]),
        ("", ["JSON that ends in the middle"]),
        ('{"a": [}', ["line 1, column 8"]),
        ("[" * 100_000, ["nested too deep"]),
        (b'{"a": ["\xff"]}', ["byte 8", "no UTF-8"]),
        ("3", ["a number", "an object {...} or a list [...]"]),
        ({"a": "text"}, ["a text", "a list [...]"]),
        ({"a": [None]}, ["a caption of a", "null", "a text"]),
        ([{"id": 1}], ["row 0: videoID", "null"]),
        ([3], ["row 0", "a number"]),
    ],
    ids=[
        "cut",
        "cut early",
        "empty",
        "broken",
        "deep",
        "bytes",
        "number",
        "texts",
        "null",
        "no id",
        "numbers",
    ],
)
def test_broken_json(tmp_path: Path, content: Any, said: list[str]) -> None:
    found = fails(Vatex(root=str(vatex(tmp_path, content)), own_lists=True))
    assert "ref_captions.json" in found
    for part in said:
        assert part in found


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", ["line 1", "the header ''"]),
        ("video,caption\na,b\n", ["line 1", "one with video, caption, split"]),
        ("video,caption,split,split\na,b,test,test\n", ["line 1"]),
        ("video,caption,split\n", ["no row"]),
        ("video,caption,split\na,b, c,test\n", ["line 2", "4 fields", "expected: 3"]),
        ("video,caption,split\na,b\n", ["line 2", "2 fields"]),
        ('video,caption,split\na,"b,test\n', ["line 2", "a whole CSV file"]),
        ("video,caption,split\na,b,test\na,b,tset\n", ["row 3: split", "'tset'", "did you mean 'test'?"]),
        ("video,caption,split\na, ,test\n", ["row 2: caption", "a text that is not empty"]),
        ("video,caption,split\n,b,test\n", ["row 2: video"]),
        ("video,caption,split\na,b,test\na,c,train\n", ["line 3", "'a' in train, and in test at line 2"]),
        ("video,caption,split,moments\na,b,test,5\n", ["row 2: moments"]),
        ('video,caption,split,moments\na,b,test,"[[1, 1]]"\n', ["[1, 1]", "start before end"]),
        ('video,caption,split,moments\na,b,test,"[[0, Infinity]]"\n', ["start before end"]),
        ("video,caption,split,moments\na,b,test,0-5\n", ["'0-5'", "[[start, end], ...]"]),
        (b"video,caption,split\na,\xe9,test\n", ["byte 22", "no UTF-8"]),
    ],
)
def test_broken_tables(tmp_path: Path, table: Any, said: list[str]) -> None:
    touch(write(tmp_path, {"t.csv": table}), "a.mp4")
    with pytest.raises(DataError) as refused:
        Folder(root=str(tmp_path)).prepare()
    for part in ["t.csv", *said]:
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"video": "a"', ["line 2", "JSON that ends in the middle"]),
        ("[1]", ["line 2", "a list [...]"]),
        ('{"video": "a", "caption": null, "split": "test"}', ["caption", "null"]),
        ('{"video": 3, "caption": "b", "split": "test"}', ["video", "a number"]),
        ('{"video": "a", "caption": "b", "split": true}', ["split", "true"]),
        ('{"video": "a", "caption": "b", "split": "test", "moments": 3}', ["moments"]),
    ],
)
def test_broken_json_lines(tmp_path: Path, line: str, said: list[str]) -> None:
    touch(write(tmp_path, {"t.jsonl": '{"video": "b", "caption": "c", "split": "test"}\n' + line}), "b.mp4")
    with pytest.raises(DataError) as refused:
        Folder(root=str(tmp_path)).prepare()
    for part in ["t.jsonl", *said]:
        assert part in str(refused.value)


def test_wrong_roots(tmp_path: Path) -> None:
    touch(tmp_path / "empty-ish", "readme.txt")
    (tmp_path / "file").write_text("")
    assert "no root" in fails(MsrVtt())
    assert "no such folder" in fails(MsrVtt(root=str(tmp_path / "nothing")))
    assert "a file" in fails(MsrVtt(root=str(tmp_path / "file")))
    said = fails(MsrVtt(root=str(tmp_path / "empty-ish")))
    assert "none; 1 files, as readme.txt" in said
    assert "expected: MSRVTT_data.json" in said
    assert "tcmgc data links msr-vtt" in said
    assert "0 tables" in fails(Folder(root=str(tmp_path / "empty-ish")))
    write(tmp_path / "two", {"a.csv": "", "b.csv": ""})
    assert "2 tables: a.csv, b.csv" in fails(Folder(root=str(tmp_path / "two")))
    assert "No such file" in fails(Folder(root=str(tmp_path / "two"), table="c.csv"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    closed = touch(tmp_path, "closed/a.mp4") / "closed"
    closed.chmod(0)
    try:
        assert "Permission denied" in fails(MsrVtt(root=str(tmp_path)))
    finally:
        closed.chmod(0o755)


def test_two_files_of_a_name(tmp_path: Path) -> None:
    root = touch(vatex(tmp_path), *(f"a/{clip}.mp4" for clip in IDS), f"a/{IDS[0]}.webm")
    Vatex(root=str(root), own_lists=True).prepare()  # mp4 goes before webm, as released
    touch(root, f"b/{IDS[0]}.mp4")
    said = fails(Vatex(root=str(root), own_lists=True))
    assert f"video {IDS[0]}" in said
    assert f"2 files: {root / 'a'}" in said
    (root / "b" / f"{IDS[0]}.mp4").unlink()
    (root / "b" / f"{IDS[0]}.mp4").symlink_to(root / "a" / f"{IDS[0]}.mp4")
    Vatex(root=str(root), own_lists=True).prepare()  # the same file twice
    write(root / "b", {"test_list.txt": listed(*IDS)})
    Vatex(root=str(root), own_lists=True).prepare()  # a copy
    write(root / "b", {"test_list.txt": listed(*IDS[:2])})
    assert "two that differ" in fails(Vatex(root=str(root), own_lists=True))


def test_lists_are_lists_of_distinct_names(tmp_path: Path) -> None:
    root = touch(vatex(tmp_path), *(f"{clip}.mp4" for clip in IDS))
    write(root, {"val_list.txt": listed(*IDS, IDS[0])})
    assert f"'{IDS[0]}' twice" in fails(Vatex(root=str(root), own_lists=True))
    write(root, {"val_list.txt": "\n \n"})
    assert "at least one line" in fails(Vatex(root=str(root), own_lists=True))


def test_published_counts_are_held_to(tmp_path: Path) -> None:
    said = fails(Vatex(root=str(vatex(tmp_path))))
    assert "3 ids" in said
    assert "expected: 25,991, as in the published file" in said


@pytest.mark.parametrize("times", [None, [], [[1]], [["a", 2]], 3])
def test_didemo_times_that_are_none(tmp_path: Path, times: Any) -> None:
    rows = [{"video": "a.mov", "description": "text", "times": times}]
    files = {f"{name}_data.json": rows for name in ("train", "val", "test")}
    write(tmp_path, {**files, **{f"{name}_list.txt": "a.mov" for name in ("train", "val", "test")}})
    assert "row 0: times" in fails(Didemo(root=str(tmp_path), own_lists=True))

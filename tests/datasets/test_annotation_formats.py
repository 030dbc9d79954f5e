"""What each data set makes of its files: the official semantics, and the named deviations from them."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from made_videos import listed, touch, write
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.activitynet.dataset import ActivityNet
from tcmgc_plugins.datasets.didemo.dataset import Didemo
from tcmgc_plugins.datasets.folder.dataset import Folder
from tcmgc_plugins.datasets.msr_vtt.dataset import MsrVtt
from tcmgc_plugins.datasets.msvd.dataset import Msvd
from tcmgc_plugins.datasets.vatex.dataset import Vatex

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos


def told(dataset: AnnotatedVideos, split: SplitName) -> dict[str, list[str]]:
    """Captions by clip, in the order of both."""
    found = dataset.split(split)
    return {clip.id: [c.text for c in found.captions if c.clip == clip.id] for clip in found.clips}


def annotated(dataset: AnnotatedVideos, split: SplitName) -> dict[str, list[str]]:
    return {entry.id: [s.text for s in entry.sentences] for entry in dataset.annotations[split].entries}


def msr_vtt_json(videos: dict[str, tuple[str, str]], captions: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "videos": [{"video_id": v, "split": split, "url": url} for v, (split, url) in videos.items()],
        "sentences": [{"sen_id": n, "video_id": v, "caption": text} for n, (v, text) in enumerate(captions)],
    }


@pytest.fixture
def msr_vtt(tmp_path: Path) -> Path:
    videos = {f"video{n}": ("train", f"youtube/{n // 2}") for n in range(8)}
    videos |= {"video8": ("validate", "youtube/8"), "video9": ("test", "youtube/0"), "video10": ("test", "x")}
    captions = [(video, f"{video} {text}") for text in ("first", "second") for video in videos]
    train = listed("video_id", *(f"video{n}" for n in (3, 1, 0, 2, 7, 6, 5, 4)))
    files = {
        "msrvtt_data/MSRVTT_data.json": msr_vtt_json(videos, captions),
        "msrvtt_data/MSRVTT_train.9k.csv": train,
        "msrvtt_data/MSRVTT_JSFUSION_test.csv": "key,vid_key,video_id,sentence\nret0,msr10,video10,a null\n"
        'ret1,msr9,video9,"one, two"\n',
        "train_list_miech.txt": listed("video1", "video0", "video3", "video2").rstrip(),
        "test_list_miech.txt": "video9\r\nvideo10",
    }
    names = [f"all/{video}.mp4" for video in videos]
    return touch(write(tmp_path, files), *names)


def test_msr_vtt_1k_a(msr_vtt: Path) -> None:
    dataset = MsrVtt(root=str(msr_vtt), own_lists=True)
    dataset.prepare()
    assert told(dataset, "test") == {"video10": ["a null"], "video9": ["one, two"]}
    train, val = told(dataset, "train"), told(dataset, "val")
    assert len(train) == 6
    assert train["video1" if "video1" in train else "video3"][1].endswith("second")
    assert [len(texts) for texts in val.values()] == [1, 1]
    assert sorted([*train, *val]) == [f"video{n}" for n in range(8)]
    order = ["video3", "video1", "video0", "video2", "video7", "video6", "video5", "video4"]
    assert list(train) == [video for video in order if video in train]
    assert dataset.split("val").caption_rule == "2 of 8 train clips by seed 0, one caption each"
    assert dataset.split("train").expected_clips == 6


def test_msr_vtt_says_which_clips_share_a_source_with_test(msr_vtt: Path) -> None:
    notes = MsrVtt(root=str(msr_vtt), own_lists=True, validation="test").notes
    # videos 0 and 1 are cut from the video that the test clip 9 is cut from
    assert "2 of 8 train clips are cut from a video of which test has a clip, too: video1, video0" in notes


def test_msr_vtt_as_released_selects_on_test(msr_vtt: Path) -> None:
    dataset = MsrVtt(root=str(msr_vtt), own_lists=True, validation="test")
    assert len(told(dataset, "train")) == 8
    assert told(dataset, "val") == told(dataset, "test")
    assert dataset.split("val").caption_rule.startswith("the test split itself, as released")


def test_msr_vtt_full_goes_by_the_lists_or_by_the_captions_file(msr_vtt: Path) -> None:
    dataset = MsrVtt(root=str(msr_vtt), own_lists=True, split="full")
    assert list(told(dataset, "train")) == [f"video{n}" for n in range(8)]
    assert told(dataset, "val") == {"video8": ["video8 first", "video8 second"]}
    assert list(told(dataset, "test")) == ["video9", "video10"]
    write(msr_vtt, {f"{name}_list_full.txt": "video0" for name in ("train", "val")})
    write(msr_vtt, {"test_list_full.txt": "video10\nvideo9"})
    assert list(told(MsrVtt(root=str(msr_vtt), own_lists=True, split="full"), "test")) == [
        "video10",
        "video9",
    ]


def test_msr_vtt_1k_b_takes_the_first_caption_at_test(msr_vtt: Path) -> None:
    dataset = MsrVtt(root=str(msr_vtt), own_lists=True, split="1k-b")
    assert told(dataset, "test") == {"video9": ["video9 first"], "video10": ["video10 first"]}
    assert len(told(dataset, "train")) + len(told(dataset, "val")) == 4


def test_msr_vtt_reads_the_two_files_of_the_challenge(msr_vtt: Path) -> None:
    whole = annotated(MsrVtt(root=str(msr_vtt), own_lists=True), "train")
    (msr_vtt / "msrvtt_data" / "MSRVTT_data.json").unlink()
    captions = [(f"video{n}", f"video{n} {text}") for text in ("first", "second") for n in range(8)]
    write(msr_vtt, {"train_val_videodatainfo.json": msr_vtt_json({}, captions)})
    write(msr_vtt, {"test_videodatainfo.json": msr_vtt_json({}, [("video9", "video9 first")])})
    assert annotated(MsrVtt(root=str(msr_vtt), own_lists=True), "train") == whole


def didemo_rows(*rows: tuple[str, str, list[list[int]]]) -> list[dict[str, Any]]:
    return [{"video": video, "description": text, "times": times} for video, text, times in rows]


@pytest.fixture
def didemo(tmp_path: Path) -> Path:
    test = didemo_rows(
        ("2@N_2_b.", "Then\n", [[0, 0], [1, 2]]),
        ("1@N_1_a.mov", "it moves.", [[5, 5]]),
        ("1@N_1_a.mp4", "under its other name", [[0, 0]]),
        ("2@N_2_b.", " it stops", [[3, 3]]),
        ("9@N_9_z.avi", "not listed", [[0, 0]]),
    )
    files = {
        "test_data.json": test,
        "test_list.txt": listed("1@N_1_a.mov", "2@N_2_b."),
        "val_data.json": didemo_rows(("3@N_3_c.wmv", "val", [[0, 1]])),
        "val_list.txt": "3@N_3_c.wmv",
        "train_data.json": didemo_rows(("4@N_4_d.null", "train", [[0, 1]]), ("5@N_5_e.3gp", "too", [[0, 1]])),
        "train_list.txt": listed("5@N_5_e.3gp", "4@N_4_d.null"),
    }
    return write(tmp_path, files)


DIDEMO_NAMES = ("1@N_1_a.mov", "1@N_1_a.mp4", "2@N_2_b.", "3@N_3_c.wmv", "4@N_4_d.null", "5@N_5_e.3gp")


def test_didemo_joins_descriptions_of_listed_names(didemo: Path) -> None:
    touch(didemo / "DiDeMo_Videos" / "a", *DIDEMO_NAMES)
    dataset = Didemo(root=str(didemo), own_lists=True)
    assert told(dataset, "test") == {"2@N_2_b.": ["Then\n  it stops"], "1@N_1_a.mov": ["it moves."]}
    assert list(told(dataset, "train")) == ["4@N_4_d.null", "5@N_5_e.3gp"]  # as the JSON file has them
    split = dataset.split("test")
    assert [clip.path.name for clip in split.clips] == ["2@N_2_b.", "1@N_1_a.mov"]
    assert {(clip.start, clip.end) for clip in split.clips} == {(0, 31)}
    caption = split.captions[0]
    assert [(m.start, m.end) for m in caption.moments] == [(2.5, 10.0), (15.0, 20.0)]
    assert [caption.text[link.start : link.end] for link in caption.links] == ["Then\n", " it stops"]


def test_didemo_takes_other_endings_only_where_asked(didemo: Path) -> None:
    converted = ("1@N_1_a.mov.mp4", "2@N_2_b..MP4", "3@N_3_c.mp4", "4@N_4_d.mkv", "5@N_5_e.3gp")
    touch(didemo, *converted)
    with pytest.raises(DataError, match=r"videos of 1 of 2 train clips.*val.*test clips"):
        Didemo(root=str(didemo), own_lists=True).prepare()
    dataset = Didemo(root=str(didemo), own_lists=True, file_names="any-ending")
    dataset.prepare()
    found = {clip.id: clip.path.name for name in dataset.annotations for clip in dataset.split(name).clips}
    assert sorted(found.values()) == sorted(converted)
    # The listed name goes before all others.
    touch(didemo, "1@N_1_a.mov")
    again = Didemo(root=str(didemo), own_lists=True, file_names="any-ending").split("test")
    assert [clip.path.name for clip in again.clips] == ["2@N_2_b..MP4", "1@N_1_a.mov"]


def test_didemo_names_what_is_listed_and_not_described(didemo: Path) -> None:
    touch(didemo, *DIDEMO_NAMES, "6@N_6_f.mov")
    write(didemo, {"val_list.txt": listed("3@N_3_c.wmv", "6@N_6_f.mov")})
    with pytest.raises(DataError, match=r"captions of 1 of 2 val clips: 6@N_6_f\.mov"):
        Didemo(root=str(didemo), own_lists=True).prepare()
    split = Didemo(root=str(didemo), own_lists=True, missing="drop").split("val")
    assert [clip.id for clip in split.clips] == ["3@N_3_c.wmv"]
    assert split.expected_clips == 2


VATEX = {"-a_b-c_d-ef_000001_000011": ["One.", "two"], "_bcdefghij-_000002_000012": ["A  B", "C", "D"]}
VATEX_FORMS: dict[str, Any] = {
    "ref_captions.json": VATEX,
    "vatex_data.json": {clip: {"enCap": texts} for clip, texts in VATEX.items()},
    "vatex_training_v1.0.json": [{"videoID": k, "enCap": v, "chCap": ["一"]} for k, v in VATEX.items()],
}


@pytest.mark.parametrize("form", VATEX_FORMS)
def test_vatex_reads_all_forms_of_its_captions(tmp_path: Path, form: str) -> None:
    files = {form: VATEX_FORMS[form], "vatex_validation_v1.0.json": []}
    files |= {f"{name}_list.txt": listed(*reversed(VATEX)) for name in ("train", "val", "test")}
    touch(
        write(tmp_path, files),
        *(f"deep/er/{clip}.{ending}" for clip, ending in zip(VATEX, ("MKV", "mp4"), strict=True)),
    )
    dataset = Vatex(root=str(tmp_path), own_lists=True)
    assert told(dataset, "test") == dict(reversed(VATEX.items()))
    assert dataset.split("test").caption_rule == "all, 2 to 3 a clip"
    assert [entry.source for entry in dataset.annotations["test"].entries] == ["_bcdefghij-", "-a_b-c_d-ef"]
    two = Vatex(root=str(tmp_path), own_lists=True, captions_a_clip=2)
    assert two.split("test").caption_rule == "the first 2 at most: all, 2 a clip"
    assert sum(map(len, told(two, "test").values())) == 4


MSVD = {"-ab_1_9": ["a b", "c"], "x_y_2_3": ["d"]}


@pytest.mark.parametrize("form", ["captions_msvd.json", "raw-captions.pkl"])
def test_msvd_reads_texts_and_words(tmp_path: Path, form: str) -> None:
    split_words = {clip: [text.split() for text in texts] for clip, texts in MSVD.items()}
    content = MSVD if form.endswith("json") else pickle.dumps(split_words, protocol=2)
    files = {
        form: content,
        "train_list.txt": "-ab_1_9",
        "val_list.txt": "x_y_2_3",
        "test_list.txt": "x_y_2_3",
    }
    touch(write(tmp_path, files), "-ab_1_9.avi", "x_y_2_3.AVI")
    dataset = Msvd(root=str(tmp_path), own_lists=True)
    assert told(dataset, "train") | told(dataset, "test") == MSVD
    assert [entry.source for entry in dataset.annotations["test"].entries] == ["x_y"]
    assert dataset.notes[-1].startswith("1 of 1 val clips are cut from a video of which test has a clip")


class Runs:
    """What would run code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("ran",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pickle.dumps(Runs()), "code that would run"),
        (pickle.dumps(MSVD)[:20], "no whole pickle"),
        (b"", "no whole pickle"),
        (pickle.dumps({"a": "text"}), 'a text "..."|a text'),
        (pickle.dumps({"a": [[1]]}), "a number"),
        (pickle.dumps([1]), r"a list"),
    ],
    ids=["code", "cut", "empty", "no captions", "no words", "no mapping"],
)
def test_pickles_hold_nothing_but_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    write(tmp_path, {"raw-captions.pkl": content})
    with pytest.raises(DataError, match=said):
        Msvd(root=str(tmp_path), own_lists=True).annotations.keys()
    assert capsys.readouterr().out == ""


@pytest.fixture
def activitynet(tmp_path: Path) -> Path:
    def row(*sentences: str, times: list[list[float]] | None = None) -> dict[str, Any]:
        spans = times or [[float(n), n + 1.0] for n in range(len(sentences))]
        return {"duration": 9.4, "timestamps": spans, "sentences": list(sentences)}

    files = {
        "train.json": {f"v_{n}": row(f" train {n}") for n in range(6)},
        "val_1.json": {
            "v_-x": row(" He runs.", "He  falls. ", times=[[0, 4.5], [12.5, 3]]),
            "v_y": row("No."),
        },
        "val_ids.json": ["v_y", "v_-x"],
    }
    return touch(write(tmp_path, files), *(f"{n}.mp4" for n in range(6)), "-x.webm", "v_y.mkv")


def test_activitynet_joins_sentences_and_keeps_their_times(activitynet: Path) -> None:
    dataset = ActivityNet(root=str(activitynet), own_lists=True)
    assert told(dataset, "test") == {"v_y": ["No."], "v_-x": [" He runs. He  falls. "]}
    split = dataset.split("test")
    assert [(clip.path.name, clip.start, clip.end) for clip in split.clips] == [
        ("v_y.mkv", 0, 10),
        ("-x.webm", 0, 10),
    ]
    # The wrong way round, and beyond the end.
    assert [(m.start, m.end) for m in split.captions[1].moments] == [(0, 4.5), (3, 9.4)]
    assert len(dataset.split("train").clips) == 4
    assert dataset.split("val").caption_rule == "2 of 6 train clips by seed 0, a paragraph a clip"
    released = ActivityNet(root=str(activitynet), own_lists=True, validation="test")
    assert len(released.split("train").clips) == 6
    assert told(released, "val") == told(released, "test")


CSV = """video,caption,split,moments,note
sub/a.mp4,null,train,,x
./b.mp4,"nan, ""quoted""
second line",train,"[[0, 1.5], [2, 3]]",
c,NaN,train,,
d,None,train,,
e b.mp4,it,test,[],
- f.webm,é,test,,
sub/a.mp4,again,train,,
"""
JSON_LINES = """{"video": "sub/a.mp4", "caption": "null", "split": "train"}
{"video":"b.mp4", "caption": "nan, \\"quoted\\"\\nsecond line", "split": "train", "moments": [[0,1.5],[2,3]]}

{"video": "c", "caption": "NaN", "split": "train", "moments": null}
{"video": "d", "caption": "None", "split": "train"}
{"video": "e b.mp4", "caption": "it", "split": "test"}
{"video": "- f.webm", "caption": "é", "split": "test"}
{"video": "sub/a.mp4", "caption": "again", "split": "train"}
"""


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", CSV), ("t.jsonl", JSON_LINES), ("bom.csv", "\ufeff" + CSV)]
)
def test_folder_reads_tables_as_text(tmp_path: Path, name: str, content: str) -> None:
    touch(write(tmp_path, {name: content}), "sub/a.mp4", "x/a.mp4", "b.mp4", "c.MOV", "deep/d.avi")
    touch(tmp_path, "e b.mp4", "- f.webm")
    dataset = Folder(root=str(tmp_path))
    dataset.prepare()
    everything = told(dataset, "train") | told(dataset, "val")
    assert everything == {
        "sub/a.mp4": ["null", "again"],
        "b.mp4": ['nan, "quoted"\nsecond line'],
        "c": ["NaN"],
        "d": ["None"],
    }
    assert told(dataset, "test") == {"e b.mp4": ["it"], "- f.webm": ["é"]}
    paths = {clip.id: clip.path for s in ("train", "val", "test") for clip in dataset.split(s).clips}  # type: ignore[arg-type]
    assert paths["sub/a.mp4"] == tmp_path / "sub" / "a.mp4"  # x/a.mp4 has the name, but not the path
    assert paths["c"].name == "c.MOV"
    captions = [c for s in ("train", "val") for c in dataset.split(s).captions]  # type: ignore[arg-type]
    assert [(m.start, m.end) for c in captions if c.clip == "b.mp4" for m in c.moments] == [(0, 1.5), (2, 3)]


def test_folder_with_its_own_val_holds_nothing_out(tmp_path: Path) -> None:
    rows = [f"{n},text {n},{split}" for n, split in enumerate(("train", "train", "val", "test"))]
    touch(write(tmp_path, {"t.csv": listed("video,caption,split", *rows)}), *(f"{n}.mp4" for n in range(4)))
    dataset = Folder(root=str(tmp_path))
    assert [list(told(dataset, s)) for s in ("train", "val", "test")] == [["0", "1"], ["2"], ["3"]]  # type: ignore[arg-type]


def test_folder_may_have_a_test_split_alone(tmp_path: Path) -> None:
    write(tmp_path / "tables", {"mine.csv": "video,caption,split\na,text,test\n"})
    touch(tmp_path / "videos", "a.mp4")
    dataset = Folder(root=str(tmp_path / "videos"), table=str(tmp_path / "tables" / "mine.csv"))
    dataset.prepare()
    assert told(dataset, "test") == {"a": ["text"]}
    with pytest.raises(DataError, match="split train\n  found:    no clip of it"):
        dataset.split("train")

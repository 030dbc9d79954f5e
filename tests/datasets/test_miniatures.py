"""Miniatures: true layouts and names, the same bytes every time, and every later command works on them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import av
import pytest

import tcmgc
from shared_files import copied, shared
from tcmgc.app import current_registry
from tcmgc.errors import DataError
from tcmgc_plugins.datasets.didemo.dataset import Didemo
from tcmgc_plugins.datasets.miniature.story_video import CONTAINERS, write_story
from tcmgc_plugins.datasets.msr_vtt.dataset import MsrVtt
from tcmgc_plugins.datasets.storyshapes.drawing import SIDE
from tcmgc_plugins.datasets.storyshapes.story import RATE, draw_stories
from tcmgc_plugins.datasets.vatex.dataset import Vatex

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")
FILES = {
    "msr-vtt": ["MSRVTT_JSFUSION_test.csv", "MSRVTT_Videos", "MSRVTT_data.json", "MSRVTT_train.9k.csv"],
    "didemo": ["DiDeMo_Videos", *(f"{s}_{w}" for s in SPLITS for w in ("data.json", "list.txt"))],
    "vatex": ["VATEX_Videos", "ref_captions.json", *(f"{s}_list.txt" for s in SPLITS)],
    "msvd": ["MSVD_Videos", "captions_msvd.json", *(f"{s}_list.txt" for s in SPLITS)],
    "activitynet": ["Activity_Videos", "train.json", "train_ids.json", "val_1.json", "val_ids.json"],
    "folder": ["captions.csv", "videos"],
}
PROTOCOLS = {"msr-vtt": "msrvtt-1ka", "didemo": "didemo", "vatex": "vatex"}
SMALL = [
    "encoder.model=StoryShapes-ViT",
    "encoder.pretrained=storyshapes",
    "encoder.words=36",
    "training.epochs=1",
    "training.batch_size=8",
]


def made(name: str, **settings: Any) -> AnnotatedVideos:
    dataset: AnnotatedVideos = current_registry().create("dataset", {"name": name, **settings}, {})
    return dataset


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def miniatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("miniatures")
    for name in FILES:
        made(name).write_miniature(folder / name, 16)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_layout_and_splits(miniatures: Path, name: str) -> None:
    assert sorted(path.name for path in (miniatures / name).iterdir()) == sorted(
        [*FILES[name], "tcmgc-mock.json"]
    )
    dataset = made(name, root=str(miniatures / name))
    dataset.prepare()
    splits = {split: dataset.split(split) for split in SPLITS}
    assert sum(len(split.clips) for split in splits.values()) == 16
    assert all(len(split.clips) == split.expected_clips >= 2 for split in splits.values())
    assert len({clip.id for split in splits.values() for clip in split.clips}) == 16
    assert dataset.version.startswith("miniature, annotations ")
    assert dataset.notes[0] == "a miniature, made by tcmgc data mock: not the data set"
    paths = [clip.path for split in splits.values() for clip in split.clips]
    for path in paths[::5]:
        with av.open(str(path)) as file:
            assert sum(1 for _ in file.decode(video=0)) > RATE


@pytest.mark.parametrize("name", FILES)
def test_the_same_call_writes_the_same_bytes(miniatures: Path, name: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    made(name).write_miniature(tmp_path / "new" / "folder", 16, lambda *done: seen.append(done))
    assert digests(tmp_path / "new" / "folder") == digests(miniatures / name)
    assert seen == [(number, 16) for number in range(1, 17)]


def test_miniatures_have_the_pitfalls_of_the_data_sets(miniatures: Path) -> None:
    didemo = Didemo(root=str(miniatures / "didemo"))
    endings = {clip.id.rpartition(".")[2] for split in SPLITS for clip in didemo.split(split).clips}
    assert endings >= {"mov", "avi", "mp4", "", "mpg", "wmv", "m4v", "3gp"}
    rows = json.loads((miniatures / "didemo" / "test_data.json").read_text())
    listed = (miniatures / "didemo" / "test_list.txt").read_text().split()
    assert {row["video"] for row in rows} - set(listed)
    assert not [c for c in didemo.split("test").captions if "another name" in c.text]
    vatex = Vatex(root=str(miniatures / "vatex"))
    assert {clip.id[0] for clip in vatex.split("test").clips} == {"-", "_", "x", "Q"}


@pytest.mark.parametrize("ending", [*CONTAINERS, ""])
def test_every_container_is_read_back(tmp_path: Path, ending: str) -> None:
    (story, _) = draw_stories("test", 2, seed=0)
    path = tmp_path / f"-a b@N00.{ending}"
    write_story(story, path)
    repeats = CONTAINERS[ending].repeats if ending else 1
    for name in ("decord", "pyav"):
        reader = current_registry().create("reader", {"name": name}, {})
        with reader.open(path) as video:
            assert video.fps == pytest.approx(RATE * repeats)
            assert len(video.times) == sum(story.lengths) * repeats
            assert video.read([0, len(video.times) - 1]).shape == (2, SIDE, SIDE, 3)


def test_a_miniature_is_held_to_its_own_counts(miniatures: Path, tmp_path: Path) -> None:
    made("vatex").write_miniature(tmp_path / "vatex", 16)
    listed = tmp_path / "vatex" / "test_list.txt"
    listed.write_text("".join(f"{line}\n" for line in listed.read_text().split()[1:]))
    with pytest.raises(DataError, match="3 ids\n  expected: 4, as in the miniature, as it was made"):
        made("vatex", root=str(tmp_path / "vatex")).prepare()
    with pytest.raises(DataError, match="a miniature of 'msvd'"):
        made("vatex", root=str(miniatures / "msvd")).prepare()


def test_what_a_miniature_cannot_be_made_of(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="11 videos\n  expected: at least 12"):
        made("vatex").write_miniature(tmp_path / "few", 11)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("")
    with pytest.raises(DataError, match="files in it"):
        made("vatex").write_miniature(tmp_path / "full", 16)
    with pytest.raises(DataError, match="a file"):
        made("vatex").write_miniature(tmp_path / "full" / "mine.txt", 16)
    assert not (tmp_path / "few").exists()


def test_true_captions_are_taken_where_they_are(tmp_path: Path) -> None:
    derived = "derived_MSRVTT_data.val_test.json"
    annotations = shared("msrvtt")
    true = MsrVtt(annotations=str(annotations), captions=derived, validation="test")
    true.write_miniature(tmp_path / "msrvtt", 16)
    small = MsrVtt(root=str(tmp_path / "msrvtt"), validation="test")
    assert small.annotations["test"].entries == true.annotations["test"].entries[:4]
    described = [entry for entry in true.annotations["train"].entries if entry.sentences]
    assert small.annotations["train"].entries == tuple(described[:12])

    names = [f"{split}_{what}" for split in ("val", "test") for what in ("data.json", "list.txt")]
    folder = copied("didemo", {name: name for name in names}, tmp_path / "annotations")
    for what in ("data.json", "list.txt"):  # train_data.json is not at hand
        (folder / f"train_{what}").write_bytes((folder / f"val_{what}").read_bytes())
    true_didemo = Didemo(annotations=str(folder), own_lists=True)
    true_didemo.write_miniature(tmp_path / "didemo", 40)
    small_didemo = Didemo(root=str(tmp_path / "didemo"))
    small_didemo.prepare()
    wanted = true_didemo.annotations["test"].entries[:10]
    found = small_didemo.annotations["test"].entries
    assert [(e.id, [s.text for s in e.sentences]) for e in found] == [
        (e.id, [s.text for s in e.sentences]) for e in wanted
    ]
    with pytest.raises(DataError, match="1065 clips with a caption\n  expected: 2500"):
        true_didemo.write_miniature(tmp_path / "large", 5000)


@pytest.mark.parametrize("recipe", ["tcmgc", "clip4clip-meanp"])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_protocols_run_on_miniatures(miniatures: Path, tmp_path: Path, name: str, recipe: str) -> None:
    overrides = [f"dataset.root={miniatures / name}", *SMALL]
    outcome = tcmgc.run(recipe, tmp_path, protocol=PROTOCOLS[name], overrides=overrides, device="cpu")
    assert not outcome.failures
    (run,) = outcome.finished
    fields = run.record.fingerprint_fields
    assert fields["dataset_version"].startswith("miniature")
    assert (fields["clips_found"], fields["clips_expected"]) == (4, 4)
    assert run.record.metrics["t2v"].items == 4
    assert run.record.metrics["t2v"].queries == (40 if name == "vatex" else 4)
    assert str(miniatures) not in json.dumps(fields)
    assert "fail" not in fields["dataset"].split()

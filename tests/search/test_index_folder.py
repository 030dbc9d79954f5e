"""An index that grows, is interrupted, and is damaged."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from filelock import FileLock

import tcmgc
from tcmgc import ConfigError, DataError
from tcmgc.files.disk import UnwritableError
from tcmgc.search import build_index, index_folder, prepared_block
from tcmgc.search.check_index import check_index
from tcmgc.search.index_folder import IndexFolder
from tcmgc.search.model_of_index import StaleIndexWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import torch

    from tcmgc import Tokens


def ids(index: Path) -> list[str]:
    return list(IndexFolder.open(index).contents.rows)


def digests(index: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in index.glob("*.npy")}


class Killed(BaseException):
    """What a test's process dies of."""


def killed_at(real: Callable[..., None], call: int) -> Callable[..., None]:
    """What dies at its n-th call, and does what it should before."""
    calls: list[Any] = []

    def dies(*given: Any) -> None:
        calls.append(given)
        if len(calls) == call:
            raise Killed
        real(*given)

    return dies


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared_block, "MOST", 4)


@pytest.mark.usefixtures("small_blocks")
def test_a_killed_writer_goes_on(model: Path, videos: Path, tmp_path: Path) -> None:
    whole = tcmgc.index_videos(tmp_path / "whole", model=model, videos=videos, device="cpu")
    assert (whole.added, whole.there, whole.failed) == (10, 0, ())
    for place, kill in enumerate(("add_block", "write_rows")):
        out = tmp_path / f"killed-{place}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(index_folder, kill, killed_at(getattr(index_folder, kill), 2 if place == 0 else 13))
            with pytest.raises(Killed):
                tcmgc.index_videos(out, model=model, videos=videos, device="cpu")
        assert len(ids(out)) == 4
        with (out / "journal.jsonl").open("ab") as journal:
            journal.write(b'{"start": 4, "vid')  # a line that was cut
        result = tcmgc.index_videos(out, videos=videos, device="cpu")
        assert (result.added, result.there) == (6, 4)
        assert digests(out) == digests(tmp_path / "whole")
        assert ids(out) == ids(tmp_path / "whole")
        check_index(out)


@pytest.mark.usefixtures("small_blocks")
def test_killed_before_there_is_an_index(model: Path, videos: Path, tmp_path: Path) -> None:
    def dies(*_: Any) -> None:
        raise Killed

    out = tmp_path / "index"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_folder.IndexWriter, "_write_about", dies)
        with pytest.raises(Killed):
            tcmgc.index_videos(out, model=model, videos=videos, device="cpu")
    np.save(out / "coarse.npy", np.zeros(3))
    assert tcmgc.index_videos(out, model=model, videos=videos, device="cpu").added == 10
    check_index(out)


def test_nothing_is_encoded_twice(
    model: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "index"
    tcmgc.index_videos(out, model=model, videos=videos, device="cpu")
    shutil.copy(videos / "0.mp4", videos / "new.mp4")
    result = tcmgc.index_videos(out, videos=videos, device="cpu")
    assert (result.added, result.there) == (1, 10)

    def fail(*_: object) -> None:
        raise AssertionError("nothing is there to do")

    monkeypatch.setattr(build_index, "prepare_block", fail)
    assert tcmgc.index_videos(out, videos=videos, device="cpu").added == 0
    assert ids(out) == [
        *(f"{k}.mp4" for k in range(8)),
        "more/8.mp4",
        "more/9.mp4",
        "new.mp4",
    ]


def test_a_video_that_changed_takes_the_place_of_what_it_was(
    model: Path, videos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "index"
    tcmgc.index_videos(out, model=model, videos=videos, device="cpu")
    shutil.copy(videos / "1.mp4", videos / "0.mp4")
    os.utime(videos / "0.mp4", ns=(1, 1))
    assert tcmgc.index_videos(out, videos=videos, device="cpu").added == 1
    searcher = tcmgc.open_index(out, device="cpu", lists="matrix")
    assert (searcher.index.rows, len(searcher.index.live)) == (11, 10)
    for shortlist in (None, 10, 3):
        hits = searcher.search("a red circle", top=10, shortlist=shortlist).hits
        assert len({hit.video.id for hit in hits}) == len(hits) == 10
    scores = {hit.video.id: hit.score for hit in hits}
    assert scores["0.mp4"] == pytest.approx(scores["1.mp4"], abs=1e-4)


def test_a_bad_video_costs_itself(model: Path, videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "index"
    (videos / "bad.mp4").write_bytes(b"no video")
    (videos / "notes.txt").write_text("no video")
    (videos / ".hidden.mp4").write_bytes(b"no video")
    result = tcmgc.index_videos(out, model=model, videos=videos, device="cpu")
    assert (result.added, result.failed, result.others) == (10, ("bad.mp4",), 1)
    assert result.index.contents.failed["bad.mp4"].reason
    again = tcmgc.index_videos(out, videos=videos, device="cpu")
    assert (again.added, again.there, again.failed) == (0, 10, ("bad.mp4",))
    shutil.copy(videos / "3.mp4", videos / "bad.mp4")
    mended = tcmgc.index_videos(out, videos=videos, device="cpu")
    assert (mended.added, mended.failed, mended.index.contents.failed) == (1, (), {})


@pytest.mark.parametrize("bad", [[2], range(10)])
def test_a_video_that_cancels_out_costs_itself(
    bad: Sequence[int], model: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = prepared_block.coarse_vectors

    def cancels(frames: Tokens, *, most: int) -> torch.Tensor:
        frames.values[list(bad)] = 0
        frames.values[list(bad), 0, 0] = 1
        frames.values[list(bad), 1, 0] = -1
        frames.mask[list(bad), 2:] = False
        return real(frames, most=most)

    monkeypatch.setattr(prepared_block, "coarse_vectors", cancels)
    out = tmp_path / "index"
    if len(bad) == 10:
        with pytest.raises(DataError, match=r"none of 10 can be read; 0\.mp4: coarse is not finite"):
            tcmgc.index_videos(out, model=model, videos=videos, coarse=1, device="cpu")
        return
    result = tcmgc.index_videos(out, model=model, videos=videos, coarse=1, device="cpu")
    assert (result.added, result.failed) == (9, ("2.mp4",))
    assert result.index.contents.failed["2.mp4"].reason == "coarse is not finite"
    check_index(out)
    found = tcmgc.open_index(out, device="cpu").search("a red circle").hits
    expected = tcmgc.load(model, device="cpu").scores(["a red circle"], [hit.video.path for hit in found])
    assert [hit.score for hit in found] == pytest.approx(expected.total[0].tolist(), abs=1e-4)


@pytest.mark.usefixtures("small_blocks")
def test_bad_videos_before_the_first_good_one(model: Path, videos: Path, tmp_path: Path) -> None:
    for number in range(6):
        (videos / f"-{number}.mp4").write_bytes(b"no video")
    result = tcmgc.index_videos(tmp_path / "index", model=model, videos=videos, device="cpu")
    assert (result.added, len(result.failed), len(result.index.contents.failed)) == (10, 6, 6)


def test_no_good_video_at_all(model: Path, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    with pytest.raises(DataError, match="0 files, none with a video's ending"):
        tcmgc.index_videos(tmp_path / "index", model=model, videos=tmp_path / "videos", device="cpu")
    (tmp_path / "videos" / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match=r"none of 1 can be read; bad\.mp4: "):
        tcmgc.index_videos(tmp_path / "index", model=model, videos=tmp_path / "videos", device="cpu")
    with pytest.raises(DataError, match=r"without index\.json"):
        tcmgc.open_index(tmp_path / "index", device="cpu")


def test_two_videos_of_one_name(model: Path, videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "index"
    tcmgc.index_videos(out, model=model, videos=videos, device="cpu")
    moved = shutil.copytree(videos, tmp_path / "moved")
    with pytest.raises(DataError, match=r"video 0\.mp4\n  found:    .*moved"):
        tcmgc.index_videos(out, videos=moved, device="cpu")
    shutil.rmtree(videos)  # then it is the same video in another place
    assert tcmgc.index_videos(out, videos=moved, device="cpu").added == 10
    assert check_index(out).moved == ()


def test_a_split_and_a_folder_in_one_index(index: Path, videos: Path) -> None:
    assert tcmgc.index_videos(index, split="val", device="cpu").added == 16
    assert tcmgc.index_videos(index, videos=videos, device="cpu").added == 10
    opened = IndexFolder.open(index)
    assert [source.split for source in opened.about.sources] == ["test", "val", None]
    assert len(opened.live) == 58


def test_one_writer_at_a_time(index: Path) -> None:
    with FileLock(index / ".lock"), pytest.raises(DataError, match="another process that adds videos"):
        tcmgc.index_videos(index, device="cpu")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(b""), "empty|no data"),
        (lambda path: path.write_bytes(path.read_bytes()[:-5]), "no whole .npy file"),
        (lambda path: path.write_bytes(b"\0" * 4000), "no whole .npy file"),
        (lambda path: np.save(path, np.load(path)[:-1]), "31 rows of float32"),
        (lambda path: np.save(path, np.load(path).astype(np.float64)), "32 rows of float64"),
        (lambda path: np.save(path, np.load(path)[..., :-1]), r"32 rows of float32 \[.*63\]"),
    ],
)
@pytest.mark.parametrize("name", ["coarse.npy", "state-00.npy"])
def test_damaged_arrays(name: str, damage: Callable[[Path], Any], said: str, index: Path) -> None:
    damage(index / name)
    with pytest.raises(DataError, match=rf"index .*{name}\n  found:    .*({said})(.|\n)*expected: 32 rows"):
        tcmgc.open_index(index, device="cpu")


def test_a_flipped_bit_is_found(index: Path) -> None:
    assert check_index(index).moved == check_index(index).changed == ()
    content = bytearray((index / "state-02.npy").read_bytes())
    content[-3] ^= 4
    (index / "state-02.npy").write_bytes(content)
    with pytest.raises(DataError, match=r"state-02\.npy\n  found:    other bytes in rows 0 to 31"):
        check_index(index)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 1}, "schema_version\n  found:    1\n  expected: 2"),
        ({"dtype": "bfloat16"}, "dtype"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_other_versions(change: dict[str, Any], said: str, index: Path) -> None:
    about = json.loads((index / "index.json").read_text())
    (index / "index.json").write_text(json.dumps(about | change))
    with pytest.raises(DataError, match=said):
        tcmgc.open_index(index, device="cpu")


def test_a_damaged_journal(index: Path) -> None:
    line = (index / "journal.jsonl").read_text()
    (index / "journal.jsonl").write_text(line + line)
    with pytest.raises(
        DataError, match="line 2\n  found:    a block from row 0\n  expected: one from row 32"
    ):
        IndexFolder.open(index)
    (index / "journal.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="line 1"):
        IndexFolder.open(index)
    (index / "journal.jsonl").unlink()
    with pytest.raises(DataError, match="no video"):
        tcmgc.open_index(index, device="cpu")


def test_what_is_no_index(tmp_path: Path, model: Path, videos: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        tcmgc.open_index(tmp_path / "nowhere")
    with pytest.raises(DataError, match="a file"):
        tcmgc.open_index(videos / "0.mp4")
    with pytest.raises(DataError, match=r"a folder with other files, as 0\.mp4"):
        tcmgc.index_videos(videos, model=model, videos=videos)
    with pytest.raises(ConfigError, match="no --model"):
        tcmgc.index_videos(tmp_path / "new", videos=videos)


def test_another_model(index: Path, model: Path, model_of: Callable[..., Path], tmp_path: Path) -> None:
    other = model_of("xpool")
    for open_it in (tcmgc.open_index, tcmgc.index_videos):
        with pytest.raises(DataError, match=f"model {other}\n  found:    weights .* of recipe xpool"):
            open_it(index, model=other, device="cpu")
    changed = shutil.copytree(model, tmp_path / "model")
    assert tcmgc.open_index(index, model=changed, device="cpu").search("a").scored == 32
    about = json.loads((index / "index.json").read_text())
    about["model"]["folder"] = str(tmp_path / "gone")
    (index / "index.json").write_text(json.dumps(about))
    with pytest.raises(DataError, match=r"gone\n  found:    no such folder any more"):
        tcmgc.open_index(index, device="cpu")
    with pytest.raises(DataError, match=r"recipe .* of recipe tcmgc"):
        tcmgc.index_videos(index, model=changed, overrides=["sampler.frames=11"], device="cpu")


def test_what_an_index_was_made_with_stays(index: Path) -> None:
    with pytest.raises(ConfigError, match="--dtype\n  found:    float16\n  expected: float32"):
        tcmgc.index_videos(index, dtype="float16", device="cpu")
    with pytest.raises(ConfigError, match="--coarse-vectors\n  found:    2\n  expected: 4"):
        tcmgc.index_videos(index, coarse=2, device="cpu")


def test_code_that_changed(index: Path) -> None:
    about = json.loads((index / "index.json").read_text())
    about["model"]["sources"]["view attention"] = "0" * 64
    (index / "index.json").write_text(json.dumps(about))
    with pytest.warns(StaleIndexWarning, match="the source of the view attention changed since"):
        tcmgc.open_index(index, device="cpu")
    with pytest.raises(DataError, match="the source of the view attention changed"):
        tcmgc.index_videos(index, split="val", device="cpu")


def test_a_normalizer_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="normalizer 'dual-softmax'"):
        tcmgc.index_videos(
            tmp_path / "index", model=model, overrides=["normalizer=dual-softmax"], device="cpu"
        )


def test_numbers_that_float16_does_not_hold(
    model_of: Callable[..., Path], videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = prepared_block.encode_videos

    def large(*given: Any) -> Any:
        video = real(*given)
        return type(video)(type(video.frames)(video.frames.values * 1e6, video.frames.mask))

    monkeypatch.setattr(prepared_block, "encode_videos", large)
    with pytest.raises(DataError, match=r"of video 0\.mp4(.|\n)*a number that float16 holds"):
        tcmgc.index_videos(
            tmp_path / "index",
            model=model_of("tcmgc", "text-free"),
            videos=videos,
            dtype="float16",
            device="cpu",
        )


def test_a_full_disk(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids(index)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UnwritableError, match="No space left on device"):
            tcmgc.index_videos(index, split="val", device="cpu")
    assert ids(index) == before
    assert tcmgc.open_index(index, device="cpu").search("a").scored == 32
    assert tcmgc.index_videos(index, split="val", device="cpu").added == 16
    check_index(index)

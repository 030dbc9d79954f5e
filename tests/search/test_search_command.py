"""``tcmgc index`` and ``tcmgc search`` as they are typed."""

from __future__ import annotations

import io
import json
import sys
import time
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tcmgc import TcmgcError
from tcmgc.cli import search_display
from tcmgc.cli.main import cli
from tcmgc.cli.search_display import counted, spark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


def typed(*words: object, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words], input=given, catch_exceptions=False)


def test_index_then_search(model: Path, videos: Path, tmp_path: Path) -> None:
    (videos / "bad.mp4").write_bytes(b"no video")
    out = tmp_path / "index"
    made = typed("index", "--model", model, "--videos", videos, "--out", out, "--device", "cpu")
    assert made.exit_code == 0
    assert "10 added, 0 there before, 1 unreadable" in made.stdout
    assert "bad.mp4" in made.stdout
    assert "1 video cannot be read" in made.stderr
    found = typed("search", "--index", out, "a red circle moves left", "--top", 3, "--device", "cpu")
    lines = found.stdout.splitlines()
    assert lines[0].split() == [
        *("score", "video-sentence", "video-word", "sentence-frame", "frame-word"),
        *("over", "frames", "most", "at", "video"),
    ]
    assert [line.split()[0] for line in lines[2:5]] == ["1", "2", "3"]
    assert all("█" in line and " s " in line and line.endswith(".mp4") for line in lines[2:5])
    assert lines[6].startswith(str(videos))
    assert lines[7].split("  ")[0] == "frame at"
    assert "video (sentence)" in lines[7]
    assert "frames (words, mean)" in lines[7]
    assert lines[-1].startswith("all 10 videos scored; ")
    assert f"{out}: 10 videos, loaded in" in found.stderr


def test_words_need_no_quotes_and_a_shortlist_is_told(kept_index: Path) -> None:
    options = ("--index", kept_index, "--shortlist", 12, "--top", 2, "--coarse", "matrix", "--device", "cpu")
    found = typed("search", *options, "a", "red", "circle")
    assert "12 of 32 videos scored, shortlist by every video, by a matrix product" in found.stdout


def test_json_and_the_prompt(kept_index: Path) -> None:
    began = time.perf_counter()
    asked = "a red circle\n" + "word " * 60 + "\na blue square moves up\n\nnever asked\n"
    found = typed(
        "search", "--index", kept_index, "--json", "--exhaustive", "--top", 2, "--device", "cpu", given=asked
    )
    assert found.exit_code == 0
    answers = [json.loads(line) for line in found.stdout.splitlines()]
    assert [answer["query"] for answer in answers] == ["a red circle", "a blue square moves up"]
    assert "62 tokens" in found.stderr  # and goes on
    first = answers[0]["results"][0]
    assert first["rank"] == 1
    assert set(first["parts"]) == {"video-sentence", "video-word", "sentence-frame", "frame-word"}
    assert sum(first["attention_over_frames"]["video"]["weights"]) == pytest.approx(1, abs=1e-4)
    assert answers[0]["scored"] == answers[0]["videos"] == 32
    # In seconds: as milliseconds they would be more than the command took.
    assert 0 < sum(answers[0]["seconds"].values()) < time.perf_counter() - began


def test_the_end_of_the_input_ends_it(kept_index: Path) -> None:
    found = typed("search", "--index", kept_index, "--top", 1, "--device", "cpu", given="a red circle")
    assert found.exit_code == 0
    assert found.stdout.count("videos scored") == 1


def test_a_recipe_whose_texts_choose_no_frames(model_of: Callable[..., Path], tmp_path: Path) -> None:
    folder = model_of("clip-zero-shot")
    typed("index", "--model", folder, "--out", tmp_path / "index", "--device", "cpu")
    found = typed("search", "--index", tmp_path / "index", "a red circle", "--top", 2, "--device", "cpu")
    assert found.stdout.splitlines()[0].split() == ["score", "video"]
    assert "frame at" not in found.stdout


def test_check(kept_index: Path, model: Path, videos: Path, tmp_path: Path) -> None:
    found = typed("index", "--check", kept_index)
    assert "32 videos" in found.stdout
    assert "every byte is as it was written; 0 videos could not be read" in found.stdout
    typed("index", "--model", model, "--videos", videos, "--out", tmp_path / "index", "--device", "cpu")
    (videos / "0.mp4").unlink()
    (videos / "1.mp4").write_bytes(b"changed")
    said = typed("index", "--check", tmp_path / "index").stderr
    assert "1 video file not there any more: 0.mp4" in said
    assert "1 video file of another size or time than before: 1.mp4" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("search", "--index", "nowhere", "a"), "index nowhere\n  found:    no such folder"),
        (("search", "--index", "nowhere", ""), "query\n  found:    an empty text"),
        (
            ("search", "--index", "x", "a", "--exhaustive", "--shortlist", 3),
            "--shortlist beside --exhaustive",
        ),
        (("index", "--model", "x"), "no --out"),
        (("index", "--out", "x", "--videos", "y", "--dataset", "z"), "--dataset beside --videos"),
        (("index", "--check", "nowhere"), "index nowhere\n  found:    no such folder"),
    ],
)
def test_mistakes(
    words: tuple[object, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TcmgcError) as error:
        typed(*words)
    assert said in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_counts() -> None:
    assert [counted(n, "video") for n in (0, 1, 2000)] == ["0 videos", "1 video", "2,000 videos"]


def test_a_bar_is_as_high_as_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spark([0.0, 0.1, 0.2, 0.4]) == "▁▃▅█"
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert spark([0.0, 0.2, 0.4]) == ".+@"
    assert len(search_display.LEVELS) == len(search_display.PLAIN)

"""``tcmgc bench search`` measures what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from click.testing import CliRunner

import tcmgc
from tcmgc import ConfigError
from tcmgc.cli.main import cli
from tcmgc_benchmarks.bench.shortlists import agreement, measure_search

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.search.searcher import Searcher

TEXTS = ["a red circle moves left", "a green square", "two blue circles", "a star appears"]


def test_recall_of_shortlists_is_that_of_searches(searcher: Searcher) -> None:
    own = np.array([3, 9, 9, 30])
    result = measure_search(searcher, TEXTS, own, (2, 8, 31, 500), timed=2)
    assert [one.length for one in result.shortlists] == [2, 8, 31]
    videos = searcher.index.contents.videos
    for one in result.shortlists:
        seen: dict[int, list[tuple[float, bool, int]]] = {k: [] for k in (1, 5, 10)}
        for text, row in zip(TEXTS, own, strict=True):
            # What is shown is never more than the shortlist.
            short = [h.video.id for h in searcher.search(text, top=one.length, shortlist=one.length).hits]
            whole = [h.video.id for h in searcher.search(text, top=32, shortlist=None).hits]
            for k, values in seen.items():
                recalled = videos[row].id in short[:k]
                kept = len(set(whole[:k]) & set(short)) / k
                values.append((kept, recalled, (videos[row].id in whole[:k]) - recalled))
        for k, values in seen.items():
            kept_part, recall, lost = 100 * np.mean(np.array(values, np.float64), axis=0)
            assert one.found[k].value == pytest.approx(kept_part)
            assert one.recall[k].value == pytest.approx(recall)
            assert one.lost[k].value == pytest.approx(lost)
            assert one.found[k].low <= one.found[k].value <= one.found[k].high
        assert one.exact_us > 0


def test_the_command(kept_index: Path, model: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    tcmgc.index_videos(half, model=model, dtype="float16", device="cpu")
    out = tmp_path / "found.json"
    words = ["bench", "search", "--index", half, "--shortlists", "4,16", "--queries", 8, "--json", out]
    words += ["--reference", kept_index]
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert "32 videos, float16" in result.stdout
    assert "8 queries" in result.stdout
    assert "at most; the same first video in" in result.stdout
    found = json.loads(out.read_text())
    assert [one["length"] for one in found["shortlists"]] == [4, 16]
    assert found["cost"]["bytes"]["coarse"] == 4 * 64 * 2
    assert found["cost"]["milliseconds"]["encode"] > 0
    assert 0 < found["against"]["difference"] < 0.05


def test_texts_of_a_file_have_no_videos(kept_index: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n")
    words = ["bench", "search", "--index", kept_index, "--texts", tmp_path / "texts.txt", "--shortlists", "8"]
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert "4 queries" in result.stdout
    assert "R@1" not in result.stdout.splitlines()[-3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shortlists", "5,x"), "--shortlists"),
        (("--shortlists", "5,5"), "--shortlists"),
        (("--split", "val"), "no val split"),
    ],
)
def test_mistakes(options: tuple[str, ...], said: str, kept_index: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        CliRunner().invoke(
            cli, ["bench", "search", "--index", str(kept_index), *options], catch_exceptions=False
        )


def test_agreement() -> None:
    scores = np.arange(24, dtype=np.float32).reshape(2, 12)
    others = scores.copy()
    others[0, 0] = 40
    found = agreement(others, scores)
    assert (found.difference, found.largest) == (40, 23)
    assert (found.first, found.ten) == (50, 95)

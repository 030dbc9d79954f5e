"""What is read from an index scores as the model scores the videos themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import tcmgc
from tcmgc.cli.search_display import answer_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tcmgc.search.searcher import Searcher

QUERIES = ["a red circle moves left", "a blue square appears, then a green circle moves up", "a"]

RECIPES = [
    ("tcmgc", "released"),
    ("tcmgc", "text-free"),
    ("drl-wti", None),
    ("ucofia", None),  # reads patches
    ("clip4clip-tight", None),  # has a scorer that is not granular
]


@pytest.mark.parametrize(("recipe", "variant"), RECIPES)
def test_every_recipe(
    recipe: str, variant: str | None, model_of: Callable[..., Path], tmp_path: Path
) -> None:
    folder = model_of(recipe, variant)
    tcmgc.index_videos(tmp_path / "index", model=folder, device="cpu")
    searcher = tcmgc.open_index(tmp_path / "index", device="cpu")
    assert_same_scores(searcher, tcmgc.load(folder, device="cpu"))
    chooses = {view.view for view in searcher.search("a").hits[0].attention}
    assert chooses == ({"video", "frames"} if variant == "released" else set())


def assert_same_scores(searcher: Searcher, model: tcmgc.experiments.trained.TrainedModel) -> None:
    paths = [video.path for video in searcher.index.contents.videos]
    expected = model.scores(QUERIES, paths)
    for text, query in enumerate(QUERIES):
        answer = searcher.search(query, top=len(paths), shortlist=None)
        assert answer.scored == len(paths)
        place = {path: column for column, path in enumerate(paths)}
        columns = [place[hit.video.path] for hit in answer.hits]
        assert sorted(columns) == list(range(len(paths)))
        found = torch.tensor([hit.score for hit in answer.hits])
        assert found.tolist() == sorted(found.tolist(), reverse=True)
        torch.testing.assert_close(found, expected.total[text, columns], atol=1e-4, rtol=1e-5)
        for name, part in expected.parts.items():
            ours = torch.tensor([hit.parts[name] for hit in answer.hits])
            torch.testing.assert_close(ours, part[text, columns], atol=1e-4, rtol=1e-5)


def test_a_shortlist_has_the_exact_scores_of_its_videos(searcher: Searcher) -> None:
    everything = {hit.video.id: hit for hit in searcher.search(QUERIES[0], top=32, shortlist=None).hits}
    answer = searcher.search(QUERIES[0], top=3, shortlist=7)
    assert (answer.scored, len(answer.hits)) == (7, 3)
    for hit in answer.hits:
        assert hit.score == pytest.approx(everything[hit.video.id].score, abs=1e-4)
    rows = searcher.shortlists(searcher.encode(QUERIES[:1]), 7)[0]
    ids = [searcher.index.contents.videos[row].id for row in rows]
    assert [hit.video.id for hit in answer.hits] == sorted(ids, key=lambda id_: -everything[id_].score)[:3]


def test_a_shortlist_is_never_shorter_than_what_is_shown(searcher: Searcher) -> None:
    assert searcher.search("a", top=9, shortlist=2).scored == 9


def test_a_coarse_search_that_finds_nothing(searcher: Searcher) -> None:
    class Nothing:
        name = "nothing"

        def search(self, queries_TD: NDArray[np.float32], most: int) -> NDArray[np.int64]:
            return np.full((len(queries_TD), most), -1, np.int64)

    empty = type(searcher)(searcher.index, searcher.model, Nothing())
    answer = empty.search("a", top=3)
    assert (answer.hits, answer.scored) == ((), 0)
    assert answer_text(answer, empty).strip().startswith("0 of 32 videos scored, shortlist by nothing")


def test_patches_are_no_frames(model_of: Callable[..., Path], tmp_path: Path) -> None:
    folder = model_of("tcmgc", "released", "views.video.of=patches")
    tcmgc.index_videos(tmp_path / "index", model=folder, device="cpu")
    hit = tcmgc.open_index(tmp_path / "index", device="cpu").search("a").hits[0]
    assert [view.view for view in hit.attention] == ["frames"]
    assert len(hit.attention[0].weights) == 12


def test_neighbouring_rows_and_others_are_read_alike(searcher: Searcher) -> None:
    queries = searcher.encode(QUERIES)
    some = np.array([4, 5, 6, 7])
    scores = searcher.score(queries, some[::-1].copy()).total.flip(1)
    torch.testing.assert_close(scores, searcher.score(queries, some).total, atol=1e-4, rtol=1e-5)


def test_attention_is_that_of_the_vectors_themselves(searcher: Searcher, model: Path) -> None:
    answer = searcher.search(QUERIES[0], top=5, shortlist=None)
    dense = tcmgc.load(model, device="cpu")
    head = dense.model.head
    head.form = "dense"
    with torch.inference_mode():
        text = head.prepare_text(dense.encode_texts(QUERIES[:1]))
        staged = head.staged_video(dense.encode_videos([hit.video.path for hit in answer.hits]))
        expected = head.scorer.attention(text, head.scorer.prepare_video(staged))  # type: ignore[operator]
    assert {name: query for name, (query, _) in expected.items()} == {"video": "sentence", "frames": "words"}
    words = dense.model.encoder.tokenize(QUERIES[:1]).mask[0]
    for place, hit in enumerate(answer.hits):
        assert [view.view for view in hit.attention] == ["video", "frames"]
        for view in hit.attention:
            weights_QF = expected[view.view][1][0, place]
            mean_F = weights_QF.mean(dim=0) if view.query == "sentence" else weights_QF[words].mean(dim=0)
            assert view.weights == pytest.approx(mean_F.tolist(), abs=1e-5)
            assert sum(view.weights) == pytest.approx(1, abs=1e-5)
        assert list(hit.times) == sorted(hit.times)
        assert 1 <= len(hit.times) <= 12


def test_float16_halves_the_bytes_and_hardly_moves_a_score(
    searcher: Searcher, model: Path, tmp_path: Path
) -> None:
    tcmgc.index_videos(tmp_path / "half", model=model, dtype="float16", device="cpu")
    half = tcmgc.open_index(tmp_path / "half", device="cpu")
    assert half.index.bytes_of_a_video < 0.52 * searcher.index.bytes_of_a_video
    queries = searcher.encode(QUERIES)
    rows = searcher.index.live
    difference = half.score(queries, rows).total - searcher.score(queries, rows).total
    assert 0 < difference.abs().max() < 0.05  # of logits of about 30: half precision has three digits

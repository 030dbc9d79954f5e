"""Ranking in a part of the gallery from bits, and the numbers that missing videos could bring."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from tcmgc.app import current_registry
from tcmgc.errors import DataError
from tcmgc.outranking import outranking
from tcmgc.ranking import Direction, rank
from tcmgc.runs.outranking_file import read_outranking, write_outranking
from tcmgc.statistics.missing import Missing, bounds

if TYPE_CHECKING:
    from pathlib import Path

DIRECTIONS = get_args(Direction)
MEASURES = current_registry().create_all("metric")


def matrix(videos: int, captions: int, levels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of few levels, so that there are ties, and captions in no order of videos."""
    rng = np.random.default_rng(seed)
    pairing = rng.permutation(np.repeat(np.arange(videos), captions))
    return rng.integers(levels, size=(len(pairing), videos)).astype(np.float32), pairing


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(("videos", "captions", "levels"), [(5, 1, 3), (17, 3, 4), (40, 2, 1000)])
def test_a_part_ranks_as_its_own_matrix(
    direction: Direction, videos: int, captions: int, levels: int
) -> None:
    scores_TV, pairing = matrix(videos, captions, levels, seed=videos)
    found = outranking(scores_TV, pairing, direction)
    rng = np.random.default_rng(1)
    for count in (1, 2, videos // 2, videos):
        kept = np.sort(rng.choice(videos, count, replace=False))
        texts = np.flatnonzero(np.isin(pairing, kept))
        part = rank(scores_TV[np.ix_(texts, kept)], np.searchsorted(kept, pairing[texts]), direction)
        got = found.ranking(texts if direction == "t2v" else kept, kept)
        for name in ("above", "size", "relevant", "start"):
            assert getattr(got, name).tolist() == getattr(part, name).tolist(), name
        assert got.items == part.items == count


def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    scores_TV, pairing = matrix(23, 2, 5, seed=3)
    whole = {direction: outranking(scores_TV, pairing, direction) for direction in DIRECTIONS}
    monkeypatch.setattr("tcmgc.similarity_checks.BLOCK_ELEMENTS", 30)
    for direction in DIRECTIONS:
        again = outranking(scores_TV, pairing, direction)
        assert (again.above == whole[direction].above).all()
        assert (again.level == whole[direction].level).all()
        queries = np.arange(len(again.above))
        one, other = (bits.ranking(queries, np.arange(9)) for bits in (again, whole[direction]))
        assert (one.above.tolist(), one.size.tolist()) == (other.above.tolist(), other.size.tolist())


def test_the_file_gives_back_what_was_written(tmp_path: Path) -> None:
    scores_TV, pairing = matrix(11, 2, 5, seed=0)
    directions = {direction: outranking(scores_TV, pairing, direction) for direction in DIRECTIONS}
    digests = [f"{number:064x}" for number in range(11)]
    path = tmp_path / "outranking.safetensors"
    write_outranking(path, digests, directions)
    found = read_outranking(path)
    assert found.digests == tuple(digests)
    for direction in DIRECTIONS:
        assert (found.directions[direction].above == directions[direction].above).all()
        assert (found.directions[direction].level == directions[direction].level).all()
        assert found.directions[direction].items == 11


def test_a_file_of_other_clips_is_an_error(tmp_path: Path) -> None:
    scores_TV, pairing = matrix(11, 2, 5, seed=0)
    directions = {direction: outranking(scores_TV, pairing, direction) for direction in DIRECTIONS}
    path = tmp_path / "outranking.safetensors"
    write_outranking(path, ["0" * 64] * 30, directions)
    with pytest.raises(DataError, match="a bit for each of 30 clips"):
        read_outranking(path)


CASES = [
    # Captions of each known video, of each missing one, and the levels that unknown cells take.
    ([1, 1], [1], (-1.0, 0.0, 0.5, 9.0)),
    ([2, 1], [1], (-1.0, 1.0, 9.0)),
    ([1, 1], [2], (-1.0, 9.0)),
    ([1], [1, 1], (-1.0, 9.0)),
    ([1, 1, 1], [1], (-1.0, 9.0)),
]


@pytest.mark.parametrize(("known", "missing", "levels"), CASES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bounds_are_the_extremes_over_all_that_is_unknown(
    direction: Direction, known: list[int], missing: list[int], levels: tuple[float, ...]
) -> None:
    texts, videos = sum(known), len(known)
    rng = np.random.default_rng(texts)
    # Of two levels, so that some queries are tied.
    block_TV = rng.integers(2, size=(texts, videos)).astype(np.float32)
    pairing = np.repeat(np.arange(videos), known)
    all_texts, all_videos = texts + sum(missing), videos + len(missing)
    all_pairing = np.repeat(np.arange(all_videos), known + missing)
    whole_TV = np.zeros((all_texts, all_videos), dtype=np.float32)
    whole_TV[:texts, :videos] = block_TV
    unknown = np.ones(whole_TV.shape, dtype=bool)
    unknown[:texts, :videos] = False
    extremes: dict[str, list[float]] = {}
    for cells in product(levels, repeat=int(unknown.sum())):
        whole_TV[unknown] = cells
        ranking = rank(whole_TV, all_pairing, direction)
        for measure in MEASURES.values():
            for name, value in measure(ranking, "expected").items():
                least, most = extremes.setdefault(name, [value, value])
                extremes[name] = [min(least, value), max(most, value)]
    queries = sum(missing) if direction == "t2v" else len(missing)
    found = bounds(rank(block_TV, pairing, direction), Missing(len(missing), queries), MEASURES)
    assert found.keys() == extremes.keys()
    for name, (least, most) in found.items():
        assert [least, most] == pytest.approx(extremes[name]), name


def test_nothing_missing_is_the_number_itself() -> None:
    scores_TV, pairing = matrix(12, 2, 4, seed=2)
    ranking = rank(scores_TV, pairing)
    for name, (least, most) in bounds(ranking, Missing(0, 0), MEASURES).items():
        value = next(
            m(ranking, "expected")[name] for m in MEASURES.values() if name in m(ranking, "expected")
        )
        assert least == most == pytest.approx(value)


def test_several_relevant_items_have_no_bounds() -> None:
    scores_TV, pairing = matrix(5, 2, 50, seed=2)
    with pytest.raises(DataError, match="several relevant items"):
        bounds(rank(scores_TV, pairing, "v2t", "best-caption"), Missing(1, 1), MEASURES)

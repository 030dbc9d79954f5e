"""The coarse search: its vectors, the matrix product, FAISS's lists."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity, normalize

import tcmgc
from tcmgc import ConfigError, DataError, Tokens
from tcmgc.search import build_index, coarse, faiss_coarse
from tcmgc.search.coarse import MatrixCoarse, coarse_vectors
from tcmgc.search.faiss_coarse import FaissCoarse, build_lists
from tcmgc.search.model_of_index import StaleIndexWarning

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def merged(frames_FD: torch.Tensor, most: int) -> torch.Tensor:
    """Merge the most similar neighbours, one pair after the other."""
    groups = list(normalize(frames_FD, dim=-1))
    while len(groups) > most:
        at = int(torch.stack([cosine_similarity(a, b, dim=0) for a, b in pairwise(groups)]).argmax())
        groups[at : at + 2] = [groups[at] + groups[at + 1]]
    groups += [groups[-1]] * (most - len(groups))
    return normalize(torch.stack(groups), dim=-1)


@pytest.mark.parametrize("most", [1, 2, 3, 7, 9])
def test_neighbours_are_merged_one_by_one(most: int) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(40, 7, 8, generator=generator)
    mask = torch.rand(40, 7, generator=generator) < 0.7
    mask[:, 0] |= ~mask.any(dim=1)
    found = coarse_vectors(Tokens(values, mask), most=most)
    assert found.shape == (40, most, 8)
    for video in range(40):
        torch.testing.assert_close(found[video], merged(values[video, mask[video]], most))


def vectors(count: int, each: int = 3, dim: int = 8) -> NDArray[np.float32]:
    drawn = np.random.default_rng(0).standard_normal((count, each, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)


def by_hand(queries_TD: NDArray[np.float32], vectors_VMD: NDArray[np.float32]) -> NDArray[np.int64]:
    cosines_TV = np.einsum("td,vmd->tvm", queries_TD, vectors_VMD).max(axis=2)
    return np.argsort(-cosines_TV, axis=1, kind="stable")


def test_the_matrix_product_finds_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coarse, "ROWS", 16)  # the gallery in several pieces
    gallery, queries = vectors(50), vectors(4)[:, 0]
    found = MatrixCoarse(gallery).search(queries, 20)
    np.testing.assert_array_equal(found, by_hand(queries, gallery)[:, :20])
    everything = MatrixCoarse(gallery).search(queries, 60)
    np.testing.assert_array_equal(everything[:, :50], by_hand(queries, gallery))
    assert (everything[:, 50:] == -1).all()


def test_lists_that_are_all_looked_into_find_the_same() -> None:
    pytest.importorskip("faiss")
    gallery, queries = vectors(60), vectors(4)[:, 0]
    lists = build_lists(gallery)
    found = FaissCoarse(lists, 3)
    assert found.lists < lists.nlist
    few = found.search(queries, 5)  # one list of sixteen is no search of everything
    assert (few != by_hand(queries, gallery)[:, :5]).any()
    everything = found.search(queries, 70)
    np.testing.assert_array_equal(everything[:, :60], by_hand(queries, gallery))
    assert (everything[:, 60:] == -1).all()
    found.lists = lists.nlist
    np.testing.assert_array_equal(found.search(queries, 20), by_hand(queries, gallery)[:, :20])


@pytest.mark.parametrize("most", [1, 7, 39])
def test_more_lists_until_there_are_enough_videos(most: int) -> None:
    pytest.importorskip("faiss")
    two = vectors(2, 1)
    copies = FaissCoarse(build_lists(np.repeat(two, 40, axis=0)), 1)  # most lists are empty
    for row in copies.search(vectors(30)[:, 0], most):
        assert (row >= 0).all()
        assert len(set(row.tolist())) == most
    lists = FaissCoarse(build_lists(vectors(60)), 3)
    for row in lists.search(vectors(30)[:, 0], most):
        assert (row >= 0).all()
        assert len(set(row.tolist())) == most


def test_lists_of_an_index(index: Path, model: Path) -> None:
    pytest.importorskip("faiss")
    with pytest.raises(DataError, match=r"coarse\.faiss\n  found:    no such file"):
        tcmgc.open_index(index, lists="faiss", device="cpu")
    tcmgc.index_videos(index, lists="faiss", device="cpu")
    opened = tcmgc.open_index(index, device="cpu")
    assert "FAISS" in opened.coarse.name
    for top in (10, 32):
        hits = opened.search("a red circle moves left", top=top, shortlist=top).hits
        assert len({hit.video.id for hit in hits}) == len(hits) == top
    opened.coarse.lists = opened.coarse._index.nlist  # type: ignore[attr-defined]
    plain = tcmgc.open_index(index, lists="matrix", device="cpu")
    queries = plain.encode(["a red circle moves left", "a green square"])
    for ours, theirs in zip(opened.shortlists(queries, 9), plain.shortlists(queries, 9), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    tcmgc.index_videos(index, split="val", device="cpu")  # more videos: lists of fewer are gone
    assert not (index / "coarse.faiss").exists()


def test_lists_of_another_number_of_videos_are_refused(index: Path) -> None:
    faiss = pytest.importorskip("faiss")
    faiss.write_index(build_lists(vectors(30, 4, 64)), str(index / "coarse.faiss"))
    with pytest.raises(DataError, match="lists of 30 videos"):
        tcmgc.open_index(index, lists="faiss", device="cpu")
    with pytest.warns(StaleIndexWarning, match="lists of 30 videos, not lists of 32 videos; every video"):
        assert isinstance(tcmgc.open_index(index, device="cpu").coarse, MatrixCoarse)
    tcmgc.index_videos(index, lists="faiss", device="cpu")  # no video is new
    assert tcmgc.open_index(index, lists="faiss", device="cpu").search("a").scored == 32
    (index / "coarse.faiss").write_bytes(b"no lists")
    with pytest.raises(DataError, match="no readable lists"):
        tcmgc.open_index(index, lists="faiss", device="cpu")


def test_a_search_while_videos_are_added(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    tcmgc.index_videos(index, lists="faiss", device="cpu")

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build_index, "_write_lists", dies)
        with pytest.raises(KeyboardInterrupt):
            tcmgc.index_videos(index, split="val", device="cpu")
    with pytest.warns(StaleIndexWarning, match="lists of 32 videos, not lists of 48 videos"):
        searcher = tcmgc.open_index(index, device="cpu")
    assert searcher.search("a red circle", top=48).scored == 48


def test_without_faiss(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_coarse, "find_spec", lambda _: None)
    (index / "coarse.faiss").write_bytes(b"lists that nothing here reads")
    assert isinstance(tcmgc.open_index(index, device="cpu").coarse, MatrixCoarse)
    with pytest.raises(ConfigError, match=r"tcmgc\[search\]"):
        tcmgc.open_index(index, lists="faiss", device="cpu")
    with pytest.raises(ConfigError, match=r"tcmgc\[search\]"):
        tcmgc.index_videos(index, lists="faiss", device="cpu")

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
from tcmgc.search import coarse, faiss_coarse
from tcmgc.search.coarse import MatrixCoarse, coarse_vectors
from tcmgc.search.faiss_coarse import FaissCoarse, build_lists

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
    few = found.search(queries, 60)
    lists.nprobe = lists.nlist
    np.testing.assert_array_equal(found.search(queries, 20), by_hand(queries, gallery)[:, :20])
    assert (few == -1).any()  # one list of sixteen is no search of everything
    for row in few:
        kept = row[row >= 0]
        assert 0 < len(set(kept.tolist())) == len(kept) < 60
        np.testing.assert_array_equal(row[: len(kept)], kept)  # what is not there comes last


def test_lists_of_an_index(index: Path, model: Path) -> None:
    pytest.importorskip("faiss")
    with pytest.raises(DataError, match=r"coarse\.faiss\n  found:    no such file"):
        tcmgc.open_index(index, lists="faiss", device="cpu")
    tcmgc.index_videos(index, lists="faiss", device="cpu")
    opened = tcmgc.open_index(index, device="cpu")
    assert "FAISS" in opened.coarse.name
    opened.coarse._index.nprobe = opened.coarse._index.nlist  # type: ignore[attr-defined]
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
        tcmgc.open_index(index, device="cpu")
    (index / "coarse.faiss").write_bytes(b"no lists")
    with pytest.raises(DataError, match="no readable lists"):
        tcmgc.open_index(index, lists="faiss", device="cpu")


def test_without_faiss(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_coarse, "find_spec", lambda _: None)
    (index / "coarse.faiss").write_bytes(b"lists that nothing here reads")
    assert isinstance(tcmgc.open_index(index, device="cpu").coarse, MatrixCoarse)
    with pytest.raises(ConfigError, match=r"tcmgc\[search\]"):
        tcmgc.open_index(index, lists="faiss", device="cpu")
    with pytest.raises(ConfigError, match=r"tcmgc\[search\]"):
        tcmgc.index_videos(index, lists="faiss", device="cpu")

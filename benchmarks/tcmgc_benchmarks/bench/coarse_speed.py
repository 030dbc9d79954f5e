"""The coarse search at sizes for which there are no videos: vectors that are drawn."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.search.coarse import MatrixCoarse
from tcmgc.search.faiss_coarse import FaissCoarse, build_lists, has_faiss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.search.coarse import Coarse

SCENES = 1000
"""Of which every vector is one, and noise."""
NOISE, DISTANCE = 1.0, 1.0
"""Lengths of the noise of a video's vectors around their scene, and of a text's around its video's vector."""


@dataclass(frozen=True)
class CoarseCost:
    """What a coarse search costs.

    Parameters
    ----------
    name
        What it is.
    build_seconds
        To make it of the vectors.
    milliseconds
        A text, the median.
    kept
        How much of the exact shortlist it finds, in percent.
    """

    name: str
    build_seconds: float
    milliseconds: float
    kept: float


def measure_coarse(
    videos: int, vectors: int, dim: int, shortlist: int, *, texts: int = 20, seed: int = 0
) -> list[CoarseCost]:
    """Time the matrix product, and FAISS's lists where it is installed.

    Parameters
    ----------
    videos, vectors, dim
        V, M and D.
    shortlist
        Videos that are looked for.
    texts
        That are timed, one by one.
    seed
        Of what is drawn.
    """
    gallery_VMD, queries_TD = _drawn(videos, vectors, dim, texts, seed)
    exact, exact_ms = _timed(MatrixCoarse(gallery_VMD), queries_TD, shortlist)
    found = [CoarseCost(MatrixCoarse.name, 0.0, exact_ms, 100.0)]
    if has_faiss():
        started = time.perf_counter()
        lists = FaissCoarse(build_lists(gallery_VMD), vectors)
        built = time.perf_counter() - started
        rows, milliseconds = _timed(lists, queries_TD, shortlist)
        kept = [len(np.intersect1d(ours, theirs)) for ours, theirs in zip(rows, exact, strict=True)]
        found.append(CoarseCost(lists.name, built, milliseconds, 100 * float(np.mean(kept)) / shortlist))
    return found


def _drawn(
    videos: int, vectors: int, dim: int, texts: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    scenes = _unit(random.standard_normal((SCENES, dim), np.float32))
    gallery = np.empty((videos, vectors, dim), np.float32)
    for start in range(0, videos, 2**14):
        block = gallery[start : start + 2**14]
        noise = _unit(random.standard_normal(block.shape, np.float32))
        block[:] = _unit(scenes[random.integers(0, SCENES, block.shape[:2])] + NOISE * noise)
    asked = gallery[random.integers(0, videos, texts), random.integers(0, vectors, texts)]
    return gallery, _unit(asked + DISTANCE * _unit(random.standard_normal((texts, dim), np.float32)))


def _unit(values: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = values / np.linalg.norm(values, axis=-1, keepdims=True)
    return found


def _timed(
    coarse: Coarse, queries_TD: NDArray[np.float32], most: int
) -> tuple[list[NDArray[np.int64]], float]:
    coarse.search(queries_TD[:1], most)
    rows, took = [], []
    for text in range(len(queries_TD)):
        started = time.perf_counter()
        rows.append(coarse.search(queries_TD[text : text + 1], most)[0])
        took.append(time.perf_counter() - started)
    return rows, 1000 * median(took)

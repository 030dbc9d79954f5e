"""The coarse search by FAISS, an optional extra: lists of near videos, of which a text looks into a few.

`Johnson, Douze & Jégou, Billion-scale similarity search with GPUs <https://arxiv.org/abs/1702.08734>`_;
inverted lists as in Sivic & Zisserman, Video Google, ICCV 2003.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.errors import ConfigError, DataError
from tcmgc.files.disk import replacing, writing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE = "coarse.faiss"
SEED = 0
SAMPLE, STEPS = 40, 10
"""Vectors a list that the lists are learned from, and steps of k-means."""
SHARE = 16
"""A text looks into one list of so many, and into more where those hold too few videos."""
FEWEST = 100_000
"""Videos from which on lists are written without being asked for."""


def has_faiss() -> bool:
    """Whether FAISS is installed."""
    return find_spec("faiss") is not None


def require_faiss() -> Any:
    """Import FAISS.

    Raises
    ------
    ConfigError
        When it is not installed.
    """
    if not has_faiss():
        raise ConfigError(
            "--coarse faiss",
            found="no FAISS",
            expected="pip install 'tcmgc[search]', which brings faiss-cpu",
            hint="--coarse matrix compares with every video, and needs nothing",
        )
    import faiss

    return faiss


class FaissCoarse:
    """Looks into the lists that are nearest to a text.

    Parameters
    ----------
    index
        FAISS's, with inner products; of every video M vectors after each other.
    vectors
        M.

    Attributes
    ----------
    lists : int
        Into how many a text looks first.
    """

    def __init__(self, index: Any, vectors: int) -> None:
        self._index, self._vectors = index, vectors
        self.lists = max(1, index.nlist // SHARE)
        self.name = f"{self.lists} or more of {index.nlist} lists of FAISS"

    def search(self, queries_TD: NDArray[np.float32], most: int) -> NDArray[np.int64]:
        """Return the rows of the nearest videos of those lists; of twice as many while there are too few."""
        found = np.full((len(queries_TD), most), -1, np.int64)
        full = min(most, self._index.ntotal // self._vectors)
        short, lists = np.arange(len(queries_TD)), self.lists
        while len(short):
            found[short] = self._look(queries_TD[short], most, lists)
            if lists == self._index.nlist:
                break
            short = short[(found[short] >= 0).sum(axis=1) < full]
            lists = min(2 * lists, self._index.nlist)
        return found

    def _look(self, queries_TD: NDArray[np.float32], most: int, lists: int) -> NDArray[np.int64]:
        # A video may be found by each of its vectors; the nearest one counts.
        wanted = min(most * self._vectors, self._index.ntotal)
        chosen = require_faiss().SearchParametersIVF(nprobe=lists)
        nearest_TN = self._index.search(np.ascontiguousarray(queries_TD), wanted, params=chosen)[1]
        found = np.full((len(nearest_TN), most), -1, np.int64)
        for row, nearest_N in zip(found, nearest_TN // self._vectors, strict=True):
            videos, first = np.unique(nearest_N, return_index=True)
            ordered = videos[np.argsort(first)]
            kept = ordered[ordered >= 0][:most]
            row[: len(kept)] = kept
        return found


def build_lists(vectors_VMD: NDArray[Any]) -> Any:
    """Learn lists from a sample of the vectors, and put every vector into its nearest one.

    Parameters
    ----------
    vectors_VMD
        Unit vectors.

    Returns
    -------
    faiss.IndexIVFFlat
        With about 4 sqrt(V M) lists.

    Raises
    ------
    ConfigError
        When FAISS is not installed.
    """
    faiss = require_faiss()
    D = vectors_VMD.shape[-1]
    vectors_ND = vectors_VMD.reshape(-1, D)
    N = len(vectors_ND)
    lists = max(1, min(N, round(4 * math.sqrt(N))))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(D), D, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed, index.cp.niter = SEED, STEPS
    index.cp.min_points_per_centroid = 1  # it says so on standard output otherwise
    sample = np.random.default_rng(SEED).permutation(N)[: SAMPLE * lists]
    index.train(np.ascontiguousarray(vectors_ND[np.sort(sample)], np.float32))
    for start in range(0, N, 2**16):
        index.add(np.ascontiguousarray(vectors_ND[start : start + 2**16], np.float32))
    return index


def write_lists(folder: Path, vectors_VMD: NDArray[Any]) -> None:
    """Write an index's lists, at once or not at all."""
    lists = build_lists(vectors_VMD)
    path = folder / FILE
    with writing("index", path), replacing(path) as temporary:
        require_faiss().write_index(lists, str(temporary))


def read_lists(folder: Path, rows: int, vectors: int) -> FaissCoarse:
    """Read an index's lists, mapped into memory.

    Parameters
    ----------
    folder
        Of the index.
    rows, vectors
        V and M.

    Raises
    ------
    ConfigError
        When FAISS is not installed.
    DataError
        When there are none, they are damaged, or videos came or went since they were written.
    """
    faiss = require_faiss()
    path = folder / FILE
    where, expected = f"index {path}", f"lists of {rows} videos"
    hint = f"tcmgc index --out {folder} --coarse faiss writes them; --coarse matrix needs none"
    if not path.exists():
        raise DataError(where, found="no such file", expected=expected, hint=hint)
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        said = str(error).strip().splitlines()[-1]
        raise DataError(where, found=f"no readable lists: {said}", expected=expected, hint=hint) from None
    if index.ntotal != rows * vectors:
        found = f"lists of {index.ntotal // vectors} videos"
        raise DataError(where, found=found, expected=expected, hint=hint)
    return FaissCoarse(index, vectors)

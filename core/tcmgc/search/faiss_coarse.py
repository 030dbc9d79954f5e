"""The coarse search by FAISS, an optional extra: lists of near videos, of which a text looks into a few.

`Johnson, Douze & Jégou, Billion-scale similarity search with GPUs <https://arxiv.org/abs/1702.08734>`_;
inverted lists as in Sivic & Zisserman, Video Google, ICCV 2003.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.errors import ConfigError, DataError
from tcmgc.files.disk import replacing, writing

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "coarse.faiss"
SEED = 0
SAMPLE = 64
"""Videos a list that the lists are learned from."""
SHARE = 16
"""A text looks into one list of so many."""
FEWEST = 40_000
"""Videos from which on lists are written without being asked for."""


def has_faiss() -> bool:
    """Whether FAISS is installed."""
    return find_spec("faiss") is not None


def _faiss() -> Any:
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
        FAISS's, with inner products.
    """

    def __init__(self, index: Any) -> None:
        self._index = index
        self._index.nprobe = max(1, self._index.nlist // SHARE)
        self.name = f"{self._index.nprobe} of {self._index.nlist} lists of FAISS"

    def search(self, queries_TD: NDArray[np.float32], most: int) -> NDArray[np.int64]:
        """Return the rows of the nearest videos of those lists."""
        rows: NDArray[np.int64] = self._index.search(np.ascontiguousarray(queries_TD), most)[1]
        return rows


def build_lists(vectors_VD: NDArray[Any], *, faiss: Any = None) -> Any:
    """Learn lists from a sample of the videos, and put every video into its nearest one.

    Parameters
    ----------
    vectors_VD
        Unit vectors.
    faiss
        The module; imported when left out.

    Returns
    -------
    faiss.IndexIVFFlat
        With about 4 sqrt(V) lists.
    """
    faiss = faiss or _faiss()
    V, D = vectors_VD.shape
    lists = max(1, min(V, round(4 * math.sqrt(V))))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(D), D, lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.seed = SEED
    index.cp.min_points_per_centroid = 1  # it says so on standard output otherwise
    sample = np.random.default_rng(SEED).permutation(V)[: SAMPLE * lists]
    index.train(np.ascontiguousarray(vectors_VD[np.sort(sample)], np.float32))
    for start in range(0, V, 2**16):
        index.add(np.ascontiguousarray(vectors_VD[start : start + 2**16], np.float32))
    return index


def write_lists(folder: Path, vectors_VD: NDArray[Any]) -> None:
    """Write an index's lists, at once or not at all."""
    faiss = _faiss()
    path = folder / FILE
    with writing("index", path), replacing(path) as temporary:
        faiss.write_index(build_lists(vectors_VD, faiss=faiss), str(temporary))


def read_lists(folder: Path, rows: int) -> FaissCoarse:
    """Read an index's lists, mapped into memory.

    Raises
    ------
    ConfigError
        When FAISS is not installed.
    DataError
        When there are none, they are damaged, or videos came or went since they were written.
    """
    faiss = _faiss()
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
    if index.ntotal != rows:
        raise DataError(where, found=f"lists of {index.ntotal} videos", expected=expected, hint=hint)
    return FaissCoarse(index)

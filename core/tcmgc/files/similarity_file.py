"""Similarity matrices in files: ``.npy`` and ``.safetensors``, read without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from tcmgc.errors import DataError, nearest
from tcmgc.similarity_checks import check_matrix

from .file_start import BYTES, ZIP, starts_pickle, starts_safetensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tcmgc.arrays import Matrix

NPY = b"\x93NUMPY"
SAFETENSORS_FLOATS = ("F16", "F32", "F64")


def load_similarity(path: str | Path, key: str | None = None) -> Matrix:
    """Read a similarity matrix.

    Parameters
    ----------
    path
        ``.npy``, or ``.safetensors`` with a tensor ``similarity`` or a matrix alone. Another extension is
        read by its content.
    key
        Name of the tensor, for ``.safetensors``.

    Returns
    -------
    ndarray [T, V]
        Scores of T texts and V videos, float16, float32 or float64 as stored.

    Raises
    ------
    DataError
        If the file is missing, empty, damaged, a pickle, or holds something else.
    """
    path = Path(path)
    suffix = path.suffix
    if suffix not in {".npy", ".safetensors"}:
        start = read_start(path, "similarity", "a .npy or .safetensors file")
        suffix = ".npy" if start.startswith(NPY) else ".safetensors" if starts_safetensors(start) else suffix
    if suffix == ".npy":
        if key is not None:
            raise DataError(
                f"similarity {path}", found=f"key {key!r}", expected="no key: a .npy file holds one array"
            )
        similarity = load_npy(path, "similarity")
    elif suffix == ".safetensors":
        similarity = _load_safetensors(path, key)
    else:
        raise DataError(
            f"similarity {path}",
            found=f"extension {path.suffix!r}" if path.suffix else "no extension",
            expected=".npy or .safetensors",
        )
    check_matrix(similarity, f"similarity {path}")
    return similarity


def read_start(path: Path, what: str, expected: str) -> bytes:
    """Read the first bytes of a file that has to exist and hold something.

    Parameters
    ----------
    path
        The file.
    what
        What errors call it, as ``similarity``.
    expected
        What errors say it should be.

    Returns
    -------
    bytes
        Nine, or fewer where the file ends before.

    Raises
    ------
    DataError
        If it is missing, a directory, unreadable or empty.
    """
    try:
        with path.open("rb") as file:
            start = file.read(BYTES)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{what} {path}", found=reason, expected=expected) from None
    if not start:
        raise DataError(f"{what} {path}", found="an empty file", expected=expected)
    return start


def load_npy(path: Path, what: str) -> NDArray[Any]:
    """Read a ``.npy`` file that may be anything.

    Parameters
    ----------
    path
        The file.
    what
        What errors call it.

    Returns
    -------
    ndarray
        Its array.

    Raises
    ------
    DataError
        If it is no complete ``.npy`` file of numbers.
    """
    where, expected = f"{what} {path}", "a .npy file"
    start = read_start(path, what, expected)
    if starts_pickle(start):
        raise DataError(
            where,
            found="a pickle, which may run code when it is loaded",
            expected=expected,
            hint="save the array itself with numpy.save",
        )
    if start.startswith(ZIP):
        raise DataError(
            where,
            found="a zip archive: an .npz file or a PyTorch checkpoint",
            expected=expected,
            hint="save the one array with numpy.save",
        )
    if not start.startswith(NPY):
        raise DataError(where, found="no .npy header", expected=expected)
    try:
        # Mapped first: a header that promises more than the file holds is refused before allocation.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except Exception as error:  # the parser raises nearly anything on a damaged header
        raise DataError(where, found=f"a damaged .npy file: {error}", expected=expected) from None


def _load_safetensors(path: Path, key: str | None) -> NDArray[Any]:
    where, expected = f"similarity {path}", "a safetensors file"
    start = read_start(path, "similarity", expected)
    if starts_pickle(start) or start.startswith(ZIP):
        raise DataError(
            where,
            found="a PyTorch checkpoint or another pickle, which may run code when it is loaded",
            expected=expected,
            hint="save the tensor with safetensors.numpy.save_file",
        )
    try:
        with safe_open(path, framework="numpy") as tensors:
            stored = list(tensors.keys())
            name = _tensor_name(where, {name: tensors.get_slice(name) for name in stored}, key)
            if (dtype := tensors.get_slice(name).get_dtype()) not in SAFETENSORS_FLOATS:
                raise DataError(
                    f"{where}, tensor {name!r}",
                    found=f"dtype {dtype}",
                    expected=f"dtype {', '.join(SAFETENSORS_FLOATS)}",
                )
            similarity: NDArray[Any] = tensors.get_tensor(name)
            return similarity
    except (SafetensorError, OSError) as error:
        raise DataError(where, found=f"no readable safetensors: {error}", expected=expected) from None


def _tensor_name(where: str, slices: dict[str, Any], key: str | None) -> str:
    names = ", ".join(sorted(slices)) or "none"
    if key is not None:
        if key not in slices:
            raise DataError(
                where, found=f"tensors {names}", expected=f"a tensor {key!r}", hint=nearest(key, slices)
            )
        return key
    if "similarity" in slices:
        return "similarity"
    # A matrix among other tensors may be anything: the sentences of a file of features are one.
    matrices = [name for name, stored in slices.items() if len(stored.get_shape()) == 2]
    if len(slices) != 1 or not matrices:
        raise DataError(
            where,
            found=f"tensors {names}",
            expected="a tensor 'similarity', or a matrix alone",
            hint="name the tensor with --key" if matrices else None,
        )
    return matrices[0]

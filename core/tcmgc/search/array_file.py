"""A ``.npy`` file that grows: its header is padded, so that the number of rows is rewritten in place.

What counts as written is in the journal. Rows behind those are what an interrupted writer left, and are
overwritten by the next.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.lib import format as npy

from tcmgc.errors import DataError
from tcmgc.files.disk import writing

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .about import ArrayAbout

HEADER = 128
"""Bytes of the header, which NumPy pads to a multiple of 64 with room for any number of rows."""


def write_rows(folder: Path, about: ArrayAbout, start: int, rows: NDArray[Any]) -> None:
    """Write rows from row ``start`` on, and have them on the disk before returning.

    Parameters
    ----------
    folder
        Of the index.
    about
        The file; it is made where it is not there.
    start
        Rows that are there.
    rows
        [n, ...], of the file's type and row shape.

    Raises
    ------
    UnwritableError
        When the disk is full, or the path cannot be written.
    """
    path = folder / about.file
    row_bytes = math.prod(about.shape) * np.dtype(about.dtype).itemsize
    with writing("index", path), path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(HEADER + start * row_bytes)
        file.write(np.ascontiguousarray(rows).tobytes())
        file.truncate()
        file.seek(0)
        _write_header(file, about, start + len(rows))
        file.flush()
        os.fsync(file.fileno())


def _write_header(file: BinaryIO, about: ArrayAbout, rows: int) -> None:
    described = {
        "descr": npy.dtype_to_descr(np.dtype(about.dtype)),
        "fortran_order": False,
        "shape": (rows, *about.shape),
    }
    npy.write_array_header_1_0(file, described)
    if file.tell() != HEADER:  # a row of very many dimensions
        raise ValueError(f"{about.name}: a header of {file.tell()} bytes, not {HEADER}")


def map_rows(folder: Path, about: ArrayAbout, rows: int) -> NDArray[Any]:
    """Map the first rows of a file into memory; what is changed there stays there.

    Raises
    ------
    DataError
        When the file is missing, cut, or of another type or shape.
    """
    path = folder / about.file
    where = f"index {path}"
    expected = f"{rows} rows of {about.dtype} {list(about.shape)}, {about.name} of every video"
    hint = f"tcmgc index --check {folder} looks at all files; index the videos again into another folder"
    try:
        # Copy on write: PyTorch takes only arrays that may be written.
        mapped: NDArray[Any] = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "an empty file"
        raise DataError(where, found=reason.lower(), expected=expected, hint=hint) from None
    except ValueError:
        found = f"{path.stat().st_size} bytes that are no whole .npy file"
        raise DataError(where, found=found, expected=expected, hint=hint) from None
    found = f"{len(mapped) if mapped.ndim else 0} rows of {mapped.dtype} {list(mapped.shape[1:])}"
    fits = mapped.dtype == np.dtype(about.dtype) and mapped.shape[1:] == tuple(about.shape)
    if not fits or len(mapped) < rows:
        raise DataError(where, found=found, expected=expected, hint=hint)
    return mapped[:rows]

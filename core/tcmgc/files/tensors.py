"""Reading and writing safetensors with errors for people."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from tcmgc.errors import DataError

from .disk import replacing, unwritable, writing
from .file_start import BYTES, ZIP, starts_pickle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from torch import Tensor

SYSTEMS_WORDS = re.compile(r"(?:I/O error: |message: \")(.+?)(?: \(os error|\")")
"""Where safetensors puts what the system says; in its older versions ``Os { ..., message: "..." }``."""


@contextmanager
def open_tensors(path: Path, what: str, expected: str = "a safetensors file") -> Iterator[Any]:
    """Open a safetensors file for reading tensor by tensor.

    Parameters
    ----------
    path
        The file.
    what
        What errors call it, as ``features``.
    expected
        What errors ask for.

    Raises
    ------
    DataError
        When it is missing, empty, a pickle, or no safetensors file.
    """
    where = f"{what} {path}"
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            raise DataError(where, found="no regular file", expected=f"{expected}, on a disk")
        if path.stat().st_size == 0:
            raise DataError(where, found="an empty file", expected=expected)
        with path.open("rb") as file:
            start = file.read(BYTES)
    except IsADirectoryError:
        raise DataError(where, found="a directory", expected=expected) from None
    except OSError as error:
        raise DataError(where, found=(error.strerror or str(error)).lower(), expected=expected) from None
    if starts_pickle(start) or start.startswith(ZIP):
        raise DataError(
            where,
            found="a PyTorch checkpoint or another pickle, which may run code when it is loaded",
            expected="a safetensors file",
            hint="torch.load(..., weights_only=True), then safetensors.torch.save_file",
        )
    try:
        opened = safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise DataError(where, found=f"no readable safetensors: {error}", expected=expected) from None
    with opened as tensors:
        yield tensors


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file at once or not at all; missing folders are made.

    Raises
    ------
    UnwritableError
        When the disk is full, or the path cannot be written.
    """
    # Copies, as safetensors refuses tensors that share memory: a total may be its only part.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        with writing("tensors", path), replacing(path) as temporary:
            save_file(copies, temporary, dict(metadata))
    except SafetensorError as error:
        said = SYSTEMS_WORDS.search(str(error))
        raise unwritable("tensors", path, said[1] if said else str(error)) from None

"""Reading and writing safetensors with errors for people."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@contextmanager
def open_tensors(path: Path, what: str) -> Iterator[Any]:
    """Open a safetensors file for reading tensor by tensor.

    Parameters
    ----------
    path
        The file.
    what
        What errors call it, as ``features``.

    Raises
    ------
    DataError
        When it is missing, empty, a pickle, or no safetensors file.
    """
    where = f"{what} {path}"
    try:
        if path.stat().st_size == 0:
            raise DataError(where, found="an empty file", expected="a safetensors file")
        with path.open("rb") as file:
            start = file.read(4)
    except IsADirectoryError:
        raise DataError(where, found="a directory", expected="a safetensors file") from None
    except OSError as error:
        raise DataError(
            where, found=(error.strerror or str(error)).lower(), expected="a safetensors file"
        ) from None
    if start.startswith(PICKLES):
        raise DataError(
            where,
            found="a PyTorch checkpoint or another pickle, which may run code when it is loaded",
            expected="a safetensors file",
            hint="torch.load(..., weights_only=True), then safetensors.torch.save_file",
        )
    try:
        opened = safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise DataError(
            where, found=f"no readable safetensors: {error}", expected="a safetensors file"
        ) from None
    with opened as tensors:
        yield tensors


def refuse_unwritable(path: Path, what: str) -> None:
    """Refuse an output path that cannot be written, before hours are spent on its content.

    Raises
    ------
    DataError
        When it is a directory, lies below a file, or its folder cannot be written to.
    """
    where = f"{what} {path}"
    if path.is_dir():
        raise DataError(where, found="a directory", expected="a file")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise DataError(where, found=f"{above} is a file", expected="a path below directories")
    if not os.access(above, os.W_OK):
        raise DataError(where, found=f"{above} cannot be written to", expected="a writable directory")


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file at once or not at all; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        save_file(
            {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}, temporary, dict(metadata)
        )
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)

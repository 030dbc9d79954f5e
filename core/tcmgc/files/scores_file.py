"""A safetensors file of scores that is filled tile by tile, whatever memory there is."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from tcmgc.scores import Scores

from .disk import replacing, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from tcmgc.sheet import Allocate

TYPES = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16"}
"""What safetensors calls them."""
ALIGNMENT = 64
"""Bytes that the first matrix begins at a multiple of."""


@contextmanager
def scores_file(path: Path, metadata: Mapping[str, str]) -> Iterator[Allocate]:
    """Give what makes matrices in a file, which is there when the block ends, and not before.

    The matrices are mapped into memory: what is written to them goes to the disk as the system sees fit, and
    none of it has to fit into memory. The disk's space is taken at once, so that it cannot run out later.

    Parameters
    ----------
    path
        Where: ``similarity`` and ``parts.<granularity>``, [T, V] each.
    metadata
        Of the file.

    Raises
    ------
    UnwritableError
        When the disk is full, or the path cannot be written.
    """
    with ExitStack() as stack:
        with writing("scores", path):
            temporary = stack.enter_context(replacing(path))
        mapped: list[np.memmap[tuple[int, int], np.dtype[np.floating]]] = []

        def allocate(parts: Sequence[str], shape: tuple[int, int], like: Tensor) -> Scores:
            names = ["similarity", *(f"parts.{name}" for name in parts)]
            with writing("scores", path):
                starts = _make(temporary, names, shape, like, metadata)
            kind = np.dtype(str(like.dtype).removeprefix("torch."))
            mapped.extend(
                np.memmap(temporary, kind, mode="r+", offset=start, shape=shape) for start in starts
            )
            total, *others = (torch.from_numpy(matrix) for matrix in mapped)
            return Scores(total, dict(zip(parts, others, strict=True)))

        yield allocate
        with writing("scores", path):
            for matrix in mapped:
                matrix.flush()
            stack.close()


def _make(
    path: Path, names: Sequence[str], shape: tuple[int, int], like: Tensor, metadata: Mapping[str, str]
) -> list[int]:
    """Write the header and take the space of the rest; returns where each matrix begins."""
    size = like.element_size() * shape[0] * shape[1]
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    for index, name in enumerate(names):
        header[name] = {
            "dtype": TYPES[like.dtype],
            "shape": list(shape),
            "data_offsets": [index * size, (index + 1) * size],
        }
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.flush()
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, 8 + len(text) + size * len(names))
        else:
            file.truncate(8 + len(text) + size * len(names))
    return [8 + len(text) + index * size for index in range(len(names))]

"""Weights that fit into a package: half precision, and of the token table only the rows that are used.

A compact file holds the state of an open_clip model with two tensors in place of
``token_embedding.weight``: ``token_embedding.rows`` [n, d] and ``token_embedding.ids`` [n]. On loading, the
rows go back to their places. Every other row is zero: such a token is a word that the model never saw.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open

from tcmgc.data.cache_folder import cache_folder
from tcmgc.files.tensors import open_tensors, write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

TABLE = "token_embedding.weight"
ROWS, IDS = "token_embedding.rows", "token_embedding.ids"
FORMAT = 1
"""Of an expanded file, in its name: another one where the same compact file expands to something else."""


def compact(state: Mapping[str, Tensor], ids: Sequence[int]) -> dict[str, Tensor]:
    """Return a compact state.

    Parameters
    ----------
    state
        Of an open_clip model.
    ids
        The tokens whose rows are kept.
    """
    kept = torch.tensor(sorted(ids))
    small = {name: tensor.half() for name, tensor in state.items() if name != TABLE}
    return {**small, ROWS: state[TABLE][kept].half(), IDS: kept}


def expanded(path: Path) -> Path:
    """Return a file with the full state of a compact one, in float32: made once, in the cache folder.

    Parameters
    ----------
    path
        A compact file.

    Raises
    ------
    DataError
        When it is no compact file, or the cache folder cannot be written to.
    """
    with open_tensors(path, "compact weights") as file:
        tokens = int(file.metadata()["tokens"])
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    rows, ids = state.pop(ROWS).float(), state.pop(IDS)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    full = cache_folder() / "weights" / f"{path.parent.name}-{digest[:16]}-v{FORMAT}.safetensors"
    shapes = {name: list(tensor.shape) for name, tensor in state.items()} | {TABLE: [tokens, rows.shape[1]]}
    if not _is_whole(full, shapes):
        table = torch.zeros(tokens, rows.shape[1])
        table[ids] = rows
        tensors = {name: tensor.float() for name, tensor in state.items()} | {TABLE: table}
        write_tensors(full, tensors, {})
    return full


def _is_whole(path: Path, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Tell whether a file holds float32 tensors of these names and shapes, to their last byte."""
    try:
        with safe_open(path, framework="pt") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            found = {name: one.get_shape() for name, one in slices.items()}
            return found == shapes and all(one.get_dtype() == "F32" for one in slices.values())
    except (OSError, SafetensorError):  # absent, unreadable, cut off
        return False

"""Weights that fit into a package: half precision, and of the token table only the rows that are used.

A compact file holds the state of an open_clip model with two tensors in place of
``token_embedding.weight``: ``token_embedding.rows`` [n, d] and ``token_embedding.ids`` [n]. On loading, the
rows go back to their places. Every other row is zero: such a token is a word that the model never saw.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open

from tcmgc.data.cache_folder import cache_folder
from tcmgc.files.tensors import write_tensors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

TABLE = "token_embedding.weight"
ROWS, IDS = "token_embedding.rows", "token_embedding.ids"


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
    """Return a file with the full state of a compact one, in float32: made once, in the cache folder."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    full = cache_folder() / "weights" / f"{path.parent.name}-{digest[:16]}.safetensors"
    if not full.is_file():
        with safe_open(path, framework="pt") as file:
            tokens = int(file.metadata()["tokens"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        rows, ids = state.pop(ROWS).float(), state.pop(IDS)
        table = torch.zeros(tokens, rows.shape[1])
        table[ids] = rows
        write_tensors(full, {name: tensor.float() for name, tensor in state.items()} | {TABLE: table}, {})
    return full

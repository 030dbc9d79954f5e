"""``model.safetensors``: the weights of a run, under ``encoder.*`` and ``head.*``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.errors import DataError
from tcmgc.files.tensors import open_tensors, write_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.engine.encoded_model import EncodedModel

PREFIXES = ("encoder.", "head.")


def write_model(path: Path, model: EncodedModel) -> None:
    """Write a model's weights and buffers."""
    write_tensors(path, dict(model.state_dict()), {"schema_version": "1"})


def is_model_file(path: Path) -> bool:
    """Whether a safetensors file has the weights of an encoder and a head under our names."""
    with open_tensors(path, "weights") as file:
        names = list(file.keys())
    return all(any(name.startswith(prefix) for name in names) for prefix in PREFIXES)


@torch.no_grad()
def read_model(path: Path, model: EncodedModel) -> None:
    """Give a model the weights of a file.

    Raises
    ------
    DataError
        When a weight is absent, superfluous or of another shape.
    """
    own = model.state_dict()
    with open_tensors(path, "weights") as file:
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    for name in sorted(own.keys() | found.keys()):
        shapes = [list(tensors[name].shape) if name in tensors else "absent" for tensors in (found, own)]
        if shapes[0] != shapes[1]:
            raise DataError(f"weights {path}: {name}", found=f"{shapes[0]}", expected=f"{shapes[1]}")
    for name, tensor in found.items():
        own[name].copy_(tensor)

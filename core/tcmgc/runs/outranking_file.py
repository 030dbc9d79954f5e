"""``outranking.safetensors``: what a run needs to be ranked again among fewer videos.

=======================  ==================================================================
``t2v/above``            bits of `tcmgc.outranking.Outranking`, uint8 [T, ceil(V / 8)]
``t2v/level``            the same
``v2t/above, /level``    uint8 [V, ceil(V / 8)]
``clips``                SHA-256 of each clip with its captions, uint8 [V, 32]:
                         `tcmgc.runs.fingerprint.clip_digests`
=======================  ==================================================================

Queries and clips are in the order of ``ranks.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
import torch

from tcmgc.errors import DataError
from tcmgc.files.tensors import open_tensors, write_tensors
from tcmgc.outranking import Outranking
from tcmgc.ranking import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SCHEMA_VERSION = "1"
CLIPS = "clips"


@dataclass(frozen=True, eq=False)
class OutrankingFile:
    """The content of the file.

    Parameters
    ----------
    digests
        Of each clip, in hexadecimal.
    directions
        The bits.
    """

    digests: tuple[str, ...]
    directions: Mapping[Direction, Outranking]


def write_outranking(path: Path, digests: Sequence[str], directions: Mapping[Direction, Outranking]) -> None:
    """Write the file, whole or not at all.

    Raises
    ------
    UnwritableError
        When the disk is full, or the path cannot be written.
    """
    tensors = {CLIPS: torch.frombuffer(bytearray.fromhex("".join(digests)), dtype=torch.uint8).view(-1, 32)}
    for direction, found in directions.items():
        tensors[f"{direction}/above"] = torch.from_numpy(found.above)
        tensors[f"{direction}/level"] = torch.from_numpy(found.level)
    write_tensors(path, tensors, {"schema_version": SCHEMA_VERSION})


def read_outranking(path: Path) -> OutrankingFile:
    """Read the file.

    Raises
    ------
    DataError
        When it is missing, damaged, of another version, or lacks something.
    """
    with open_tensors(path, "outranking") as file:
        if (version := (file.metadata() or {}).get("schema_version")) != SCHEMA_VERSION:
            raise DataError(
                f"outranking {path}",
                found=f"schema_version {version}",
                expected=f"schema_version {SCHEMA_VERSION}",
            )
        found = {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118 (no mapping)
    names = [f"{direction}/{kind}" for direction in get_args(Direction) for kind in ("above", "level")]
    if absent := sorted({CLIPS, *names} - found.keys()):
        raise DataError(f"outranking {path}", found=f"no {absent[0]}", expected="all tensors of the file")
    videos = len(found[CLIPS])
    for name in names:
        shape = found[name].shape
        if found[name].dtype != np.uint8 or len(shape) != 2 or shape[1] != -(-videos // 8):
            raise DataError(
                f"outranking {path}: {name}",
                found=f"{found[name].dtype} {list(shape)}",
                expected=f"uint8 [queries, {-(-videos // 8)}], a bit for each of {videos} clips",
            )
    return OutrankingFile(
        tuple(row.tobytes().hex() for row in found[CLIPS]),
        {
            direction: Outranking(found[f"{direction}/above"], found[f"{direction}/level"], videos)
            for direction in get_args(Direction)
        },
    )

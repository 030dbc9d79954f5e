"""Which split a composition belongs to: decided by its hash, so that no list has to be kept."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcmgc.data.clip import SplitName

    from .scene import Composition

TENTHS: dict[SplitName, range] = {"train": range(7), "val": range(7, 8), "test": range(8, 10)}


def split_of(composition: Composition) -> SplitName:
    """Return the only split whose scenes may show a composition.

    It is the *set* of colours and shapes that is new in another split: each colour and each shape alone
    is in all three.
    """
    text = ",".join(sorted(f"{colour} {shape}" for colour, shape in composition))
    tenth = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % 10
    return next(split for split, tenths in TENTHS.items() if tenth in tenths)

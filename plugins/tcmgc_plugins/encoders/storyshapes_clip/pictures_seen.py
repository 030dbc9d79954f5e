"""Which compositions the pictures that trained the shipped weights showed: drawn again, and checked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open

from tcmgc.errors import DataError
from tcmgc_plugins.datasets.storyshapes.pictures import draw_pictures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tcmgc_plugins.datasets.storyshapes.scene import Composition

WEIGHTS = Path(__file__).parent / "weights.safetensors"


def training_compositions() -> tuple[set[Composition], int]:
    """Return the compositions, and how many pictures showed them.

    The weights say how many pictures there were, from which seed, and a digest of their compositions.

    Raises
    ------
    DataError
        When the pictures that this code draws are not those that trained the weights.
    """
    with safe_open(WEIGHTS, framework="pt") as file:
        said: dict[str, str] = file.metadata()
    count = int(said["pictures"])
    drawn = {picture.scene.composition for picture in draw_pictures(count, seed=int(said["pictures_seed"]))}
    if digest(drawn) != said["compositions_sha256"]:
        raise DataError(
            f"weights {WEIGHTS.name} of the small CLIP",
            found="weights that were trained on other pictures than this version of StoryShapes draws",
            expected="weights of this version",
            hint=said["command"],
        )
    return drawn, count


def digest(compositions: Iterable[Composition]) -> str:
    """SHA-256 of a set of compositions."""
    texts = sorted({",".join(sorted(f"{colour} {shape}" for colour, shape in one)) for one in compositions})
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()

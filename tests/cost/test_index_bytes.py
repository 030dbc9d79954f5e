"""The size of a prepared video, by hand."""

from __future__ import annotations

import pytest
import torch

import tcmgc
from tcmgc import Sizes
from tcmgc.cost.index_bytes import index_bytes

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")
W, F, D = 6, 4, 32
MASK = 1


def floats_of_a_basis() -> int:
    """Keys, a basis, the triangles of three Gram matrices and three rows beside them, and four squares."""
    return F * D + F * D + (3 * F + 3) * F + 4


@pytest.mark.parametrize(
    ("recipe", "floats", "masks"),
    [
        ("clip4clip-meanp", D, 1),
        ("clip4clip-tight", F * D, F),
        ("xclip", F * D + D, F + 1),
        ("tcmgc", floats_of_a_basis(), F),
        ("xpool", floats_of_a_basis(), F),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_by_hand(recipe: str, floats: int, masks: int, dtype: torch.dtype) -> None:
    model = tcmgc.build(recipe, Sizes(D, W, F), overrides={"stages.video": []}, dtype=dtype)
    assert index_bytes(model) == floats * dtype.itemsize + masks * MASK

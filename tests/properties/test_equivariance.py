"""Permuting texts or videos permutes scores, and a tile equals the whole: of every recipe and component.

Both come from the registry, so that one that is added is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model_cases import T, V, built, galleries
from property_cases import CASES, GROWS_WITH_PADDING, NO_EXACT_GRADIENT, SEEDS, SEES_PADDING, every_case, few
from tcmgc.tiles import Tiling

if TYPE_CHECKING:
    from model_cases import ModelCase

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")


def test_lists_name_cases_that_there_are() -> None:
    known = {case.id for case in CASES}
    named = {*SEES_PADDING, *GROWS_WITH_PADDING, *NO_EXACT_GRADIENT}
    assert named <= known
    assert not any(name.endswith("corrected") for name in named), "a corrected variant has no exceptions"
    assert len(known) == len(CASES)


@every_case
@few
@given(seed=SEEDS, texts=st.permutations(range(T)), videos=st.permutations(range(V)))
def test_permuting_texts_or_videos_permutes_scores(
    case: ModelCase, seed: int, texts: list[int], videos: list[int]
) -> None:
    model, (text, video) = built(case), galleries(seed)
    before = model.scores(text, video)
    after = model.scores(text[torch.tensor(texts)], video[torch.tensor(videos)])
    for name, part in {"total": before.total, **before.parts}.items():
        moved = after.total if name == "total" else after.parts[name]
        assert torch.allclose(moved, part[texts][:, videos], rtol=0, atol=1e-9), name


@every_case
@few
@given(seed=SEEDS, rows=st.integers(1, T), columns=st.integers(1, V))
def test_a_tile_equals_the_whole(case: ModelCase, seed: int, rows: int, columns: int) -> None:
    model, (text, video) = built(case), galleries(seed)
    with torch.no_grad():
        whole = model(text, video)
    tiled = model.scores(text, video, tiling=Tiling(rows, columns))
    assert torch.allclose(tiled.total, whole.total, rtol=0, atol=1e-9)
    assert tiled.parts.keys() == whole.parts.keys()
    for name, part in whole.parts.items():
        assert torch.allclose(tiled.parts[name], part, rtol=0, atol=1e-9), name

"""Permuting texts or videos permutes scores, and a tile equals the whole: of every recipe and component.

Both come from the registry, so that one that is added is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model_cases import HOSTS, fitting
from property_cases import (
    CASES,
    GROWS_WITH_PADDING,
    NO_EXACT_GRADIENT,
    SEES_PADDING,
    Drawn,
    drawn,
    every_case,
    few,
)
from tcmgc.tiles import Tiling
from tcmgc_plugins.interactions.aosm import Aosm
from tcmgc_plugins.stages.last_word import LastWord

if TYPE_CHECKING:
    from model_cases import ModelCase

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")


def test_lists_name_cases_that_there_are() -> None:
    known = {case.id for case in CASES}
    named = {*SEES_PADDING, *GROWS_WITH_PADDING, *NO_EXACT_GRADIENT}
    assert named <= known
    assert not any(name.endswith("corrected") for name in named), "a corrected variant has no exceptions"
    assert len(known) == len(CASES)


def test_only_a_host_that_does_not_fit_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with the component itself is not hidden by the next host."""
    stages, interactions = HOSTS["stage"]({"name": "last-word"}), HOSTS["interaction"]({"name": "aosm"})
    assert next(fitting("stage", stages)).overrides["stages"]["text"]
    assert next(fitting("interaction", interactions)).overrides["granularities"]["one"]["text"] == "sentence"

    def broken(*_: object) -> None:
        raise kind("broken")

    for kind in (AttributeError, ValueError, RuntimeError):
        for component, method, hosts in ((LastWord, "__call__", stages), (Aosm, "forward", interactions)):
            with monkeypatch.context() as patch:
                patch.setattr(component, method, broken)
                with pytest.raises(kind, match="broken"):
                    next(fitting("broken", hosts))


@every_case
@few
@given(some=drawn(), data=st.data())
def test_permuting_texts_or_videos_permutes_scores(case: ModelCase, some: Drawn, data: st.DataObject) -> None:
    model, text, video = some.of(case)
    texts, videos = (data.draw(st.permutations(range(n))) for n in (some.texts, some.videos))
    before = model.scores(text, video)
    after = model.scores(text[torch.tensor(texts)], video[torch.tensor(videos)])
    for name, part in {"total": before.total, **before.parts}.items():
        moved = after.total if name == "total" else after.parts[name]
        assert torch.allclose(moved, part[texts][:, videos], rtol=0, atol=1e-9), name


@every_case
@few
@given(some=drawn(), data=st.data())
def test_a_tile_equals_the_whole(case: ModelCase, some: Drawn, data: st.DataObject) -> None:
    model, text, video = some.of(case)
    rows, columns = (data.draw(st.integers(1, n)) for n in (some.texts, some.videos))
    with torch.no_grad():
        whole = model(text, video)
    tiled = model.scores(text, video, tiling=Tiling(rows, columns))
    assert torch.allclose(tiled.total, whole.total, rtol=0, atol=1e-9)
    assert tiled.parts.keys() == whole.parts.keys()
    for name, part in whole.parts.items():
        assert torch.allclose(tiled.parts[name], part, rtol=0, atol=1e-9), name

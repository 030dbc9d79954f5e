"""A text without words or a video without frames is a clear error or has a score, and is never NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from model_cases import T, V, built, galleries
from property_cases import CASES, cases, scored
from tcmgc import DataError

if TYPE_CHECKING:
    from model_cases import ModelCase

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")


def refuses(case: ModelCase) -> bool:
    return built(case).recipe.config["empty_items"] != "score"


def test_corrected_variants_define_a_score() -> None:
    found = {case.id for case in CASES if refuses(case)}
    assert found
    assert not any(name.endswith("corrected") for name in found)


@cases(refuses)
def test_an_empty_item_is_refused_by_name(case: ModelCase) -> None:
    with pytest.raises(DataError, match=rf"(text {T - 1}|video {V - 2})\n"):
        scored(built(case), *galleries(empty=True))


@cases(lambda case: not refuses(case))
def test_an_empty_item_has_a_score(case: ModelCase) -> None:
    """And neither the loss nor a gradient of the others is spoilt."""
    model, (text, video) = built(case), galleries(empty=True)
    assert all(torch.isfinite(value).all() for value in scored(model, text, video).values())
    assert text.words is not None
    assert text.sentence is not None
    features = [text.sentence, text.words.values, video.frames.values, video.extra["patches"].values]
    for values in features:
        values.requires_grad_()
    loss = model.loss(text, video[:T], generator=torch.Generator().manual_seed(0)).total
    gradients = torch.autograd.grad(loss, [*features, *model.parameters()], allow_unused=True)
    assert all(gradient is None or torch.isfinite(gradient).all() for gradient in gradients)

"""Scores in half precision are off by a few roundings: of every recipe and component."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from model_cases import galleries
from property_cases import every_case
from tcmgc.engine.feature_tensors import convert_text, convert_video

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_cases import ModelCase
    from tcmgc import RetrievalModel

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")

ROUNDOFF = {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}
"""What rounding to a type may change, relative to the number. Scores may be off by a few of it, relative to
the largest score: 4 where features are rounded, 12 where all arithmetic is (measured: up to 2.2 and 6.4)."""


def scores_of(
    model: RetrievalModel, seed: int, change: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Score galleries whose features a function changes, in float32."""

    def changed(tensor: torch.Tensor) -> torch.Tensor:
        return change(tensor).float() if tensor.is_floating_point() else tensor

    text, video = galleries(seed)
    return model.scores(convert_text(text, changed), convert_video(video, changed)).total


@every_case
@pytest.mark.parametrize("kind", [*ROUNDOFF], ids=str)
def test_features_in_half_precision(case: ModelCase, kind: torch.dtype) -> None:
    """As the engine has it: an encoder in half precision, and everything after it in float32."""
    model = case.build().float()
    for seed in range(3):
        exact = scores_of(model, seed, lambda tensor: tensor)
        found = scores_of(model, seed, lambda tensor: tensor.to(kind))
        assert (found - exact).abs().max() <= 4 * ROUNDOFF[kind] * exact.abs().max()


@every_case
@pytest.mark.parametrize("kind", [*ROUNDOFF], ids=str)
def test_arithmetic_in_half_precision(case: ModelCase, kind: torch.dtype) -> None:
    """Under autocast, which the engine keeps from scores and losses."""
    model = case.build().float()
    for seed in range(3):
        exact = scores_of(model, seed, lambda tensor: tensor)
        try:
            with torch.autocast("cpu", dtype=kind):
                found = scores_of(model, seed, lambda tensor: tensor)
        except RuntimeError as error:
            if "LSTM" not in str(error):
                raise
            pytest.skip(f"PyTorch has no LSTM in {kind} on this CPU")
        assert (found - exact).abs().max() <= 12 * ROUNDOFF[kind] * exact.abs().max()

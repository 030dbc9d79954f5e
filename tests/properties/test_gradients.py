"""Gradients of scores and loss are those of finite differences, and state survives a save and a load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load, save
from torch.func import functional_call

from model_cases import T, built, galleries
from property_cases import NO_EXACT_GRADIENT, every_case, same, scored
from tcmgc import RetrievalModel, TextFeatures, Tokens, VideoFeatures

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_cases import ModelCase

pytestmark = pytest.mark.filterwarnings("ignore::tcmgc_plugins.reorganizers.selection.KeepRateWarning")

EPS = 1e-7
"""Of the central differences, float64; the sharpest softmaxes here have a temperature of 1e-2 twice."""


def is_exact_gradient(case: ModelCase) -> bool:
    """Compare the gradient of scores and loss, by features and all weights at once, with differences."""
    model, (text, video) = built(case), galleries()
    patches = video.extra["patches"]
    assert text.words is not None
    assert text.sentence is not None
    names = [f"model.{name}" for name, _ in model.named_parameters()]
    values = [text.sentence, text.words.values, video.frames.values, patches.values, *model.parameters()]
    masks = text.words.mask, video.frames.mask, patches.mask

    def outputs(flat: torch.Tensor) -> torch.Tensor:
        pieces = flat.split([value.numel() for value in values])
        sentence, words, frames, some_patches, *weights = (
            piece.view_as(value) for piece, value in zip(pieces, values, strict=True)
        )
        given = (
            TextFeatures(sentence, Tokens(words, masks[0])),
            VideoFeatures(Tokens(frames, masks[1]), extra={"patches": Tokens(some_patches, masks[2])}),
        )
        found = functional_call(Loss(model), dict(zip(names, weights, strict=True)), given)
        return torch.cat([part.flatten() for part in found])

    point = torch.cat([value.detach().flatten() for value in values]).requires_grad_()
    sizes = [value.numel() for value in values]
    return all(agrees_with_differences(outputs, point, sizes, seed) for seed in range(3))


def agrees_with_differences(
    function: Callable[[torch.Tensor], torch.Tensor], point: torch.Tensor, sizes: list[int], seed: int
) -> bool:
    """Compare along one direction, in which every piece of the point counts about as much.

    As gradcheck's fast mode does; that computes the whole Jacobian, slowly, where they differ.
    """
    generator = torch.Generator().manual_seed(seed)
    found = function(point)
    step, weights = (
        torch.randn(like.shape, generator=generator, dtype=like.dtype) for like in (point, found.detach())
    )
    (gradient,) = torch.autograd.grad(found @ weights, point)
    pieces = zip(step.split(sizes), gradient.split(sizes), strict=True)
    step = torch.cat([piece / own.norm().clamp(min=1e-2) for piece, own in pieces])
    with torch.no_grad():
        difference = (function(point + EPS * step) - function(point - EPS * step)) @ weights / (2 * EPS)
    return bool((gradient @ step - difference).abs() < 1e-4)


class Loss(torch.nn.Module):
    """What a training step computes of a batch, as one call."""

    def __init__(self, model: RetrievalModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, text: TextFeatures, video: VideoFeatures) -> tuple[torch.Tensor, torch.Tensor]:
        result = self.model.loss(text, video[:T], generator=torch.Generator().manual_seed(0))
        return result.scores.logits, result.total


@every_case
def test_gradients_are_exact(case: ModelCase) -> None:
    assert is_exact_gradient(case) is (case.id not in NO_EXACT_GRADIENT)


@every_case
def test_state_survives_a_save_and_a_load(case: ModelCase) -> None:
    model, (text, video) = built(case), galleries()
    other = case.build(seed=2)
    before = scored(model, text, video)
    if any(name != "logit_scale" for name, _ in model.named_parameters()):
        assert not same(scored(other, text, video), before)
    other.load_state_dict(load(save(model.state_dict())))
    for name, found in scored(other, text, video).items():
        assert torch.equal(found, before[name]), name

"""Dropout of the cross-encoder: on the sequence, in training alone."""

from __future__ import annotations

import pytest
import torch

import tcmgc
from model_cases import SIZES, F, T, V, galleries


def first_inputs(model: tcmgc.RetrievalModel) -> torch.Tensor:
    """What enters the first block of the transformer, [T V, F + 1, D]."""
    seen: list[torch.Tensor] = []
    block = model.get_submodule("scorer.resblocks.0")
    handle = block.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with torch.no_grad():
            model(*galleries())
    finally:
        handle.remove()
    return seen[0]


@pytest.mark.parametrize("recipe", ["clip4clip-tight", "drl-xti"])
def test_a_tenth_of_the_sequence_is_dropped_in_training(recipe: str) -> None:
    model = tcmgc.build(recipe, SIZES, dtype=torch.float64)
    whole = first_inputs(model)
    assert whole.shape[:2] == (T * V, F + 1)
    assert torch.equal(first_inputs(model), whole)
    model.train()
    torch.manual_seed(0)
    dropped = first_inputs(model)
    gone = dropped == 0
    assert gone.double().mean().item() == pytest.approx(0.1, abs=0.03)
    torch.testing.assert_close(dropped, (whole / 0.9).masked_fill(gone, 0))
    torch.manual_seed(0)
    assert torch.equal(first_inputs(model), dropped)


def test_none_is_dropped_where_the_recipe_says_so() -> None:
    model = tcmgc.build("clip4clip-tight", SIZES, overrides=["scorer.dropout=0"], dtype=torch.float64)
    whole = first_inputs(model)
    assert torch.equal(first_inputs(model.train()), whole)

"""UCoFiA from frames: patches of an encoder, chosen in training and in evaluation, the same every time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from engine_cases import D, F, TinyEncoder, settings, tiny_split
from tcmgc import Tokens, VideoFeatures
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.engine.encoded_model import EncodedModel, build_encoded
from tcmgc.engine.score import score
from tcmgc.engine.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric

PATCHES = 7
"""A frame's tokens, the class token first."""


class PatchEncoder(TinyEncoder):
    """Gives patches that are projections of the frame."""

    patches = PATCHES

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.patch_projection = nn.Linear(D, D * (PATCHES - 1))

    def encode_video(self, pixels: torch.Tensor, mask: torch.Tensor, inputs: frozenset[str]) -> VideoFeatures:
        features = super().encode_video(pixels, mask, inputs)
        frames = features.frames.values
        assert "patches" in inputs
        # Longer than class tokens, so that they win the softmaxes of un-normalised patches.
        others = 5 * self.patch_projection(frames).unflatten(-1, (PATCHES - 1, D))
        patches = torch.cat([frames.unsqueeze(2), others], dim=2).flatten(1, 2)
        tokens = Tokens(patches, mask.repeat_interleave(PATCHES, dim=1))
        return replace(features, extra={"patches": tokens})


def build(*overrides: str) -> EncodedModel:
    recipe = read_recipe("ucofia", overrides=list(overrides))
    return build_encoded(recipe, PatchEncoder(), F, current_registry(), 0)


def trained(fabric: Fabric, folder: Path) -> EncodedModel:
    model = build()
    splits = tiny_split("train", 24), tiny_split("val", 8)
    train(fabric, model, *splits, settings(epochs=1), seed=3, folder=folder)
    return model


def test_training_is_repeatable_and_reaches_the_choice(fabric: Fabric, tmp_path: Path) -> None:
    first, again = (trained(fabric, tmp_path / name) for name in ("first", "again"))
    start = build().state_dict()
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
        if "stages.video.1.score" in name:
            assert not torch.equal(weight, start[name]), name


@pytest.mark.parametrize("noise", [True, False])
def test_scores_are_the_same_whatever_the_state_of_the_process(fabric: Fabric, noise: bool) -> None:
    model = build(f"stages.video.1.noise_at_evaluation={str(noise).lower()}")
    split = tiny_split("test", 10)
    torch.manual_seed(1)
    first = score(fabric, model, split).total
    torch.manual_seed(2)
    assert torch.equal(score(fabric, model, split).total, first)


def test_noise_at_evaluation_changes_scores(fabric: Fabric) -> None:
    split = tiny_split("test", 10)
    quiet = score(fabric, build("stages.video.1.noise_at_evaluation=false"), split).total
    one, other = (score(fabric, build(f"stages.video.1.seed={seed}"), split).total for seed in (0, 1))
    assert not torch.allclose(one, other)
    assert not torch.allclose(one, quiet)

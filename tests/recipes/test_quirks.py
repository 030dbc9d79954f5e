"""Every switch of every `corrected` variant changes a number, alone; `released` is the recipe itself."""

from __future__ import annotations

import pytest
import torch

import tcmgc
from tcmgc import Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.api import read_recipe
from tcmgc.app import current_registry

N, W, F, P, D = 5, 8, 4, 6, 16
RECIPES = sorted(current_registry().recipe_files)
ALSO = {("ucofia", "stages.video.*.frame_mask=true"): ["stages.video.1.context=video"]}
"""What a switch acts with."""

KEEP = {"tcmgc": ["granularities.*.reorganizer.keep_rate=0.5"]}


def switches() -> list[tuple[str, str]]:
    found = []
    for name in RECIPES:
        for override in read_recipe(name).config["variants"].get("corrected", []):
            if not override.startswith("empty_items"):  # tests/core/test_empty_items.py
                found.append((name, override))
    return found


def features() -> tuple[TextFeatures, VideoFeatures]:
    """Padding in both, and similarities that are all negative, so that masked zeros win."""
    generator = torch.Generator().manual_seed(4)

    def around(direction: float, *shape: int) -> torch.Tensor:
        noise = torch.randn(N, *shape, D, generator=generator, dtype=torch.float64)
        return direction * torch.linspace(1, 2, D, dtype=torch.float64) + 0.6 * noise

    words = torch.arange(W) < torch.tensor([8, 3, 5, 2, 6])[:, None]
    frames = torch.arange(F) < torch.tensor([4, 1, 3, 2, 2])[:, None]
    patches = Tokens(around(1, F * P), frames.repeat_interleave(P, dim=1))
    text = TextFeatures(around(-1), Tokens(around(-1, W), words))
    return text, VideoFeatures(Tokens(around(1, F), frames), extra={"patches": patches})


def numbers(recipe: str, overrides: list[str]) -> torch.Tensor:
    """Scores and loss."""
    sizes = Sizes(D, W, F, F * P)
    more = [*KEEP.get(recipe, []), *overrides]
    model = tcmgc.build(recipe, sizes, overrides=more, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "stages" in name:
                parameter.add_(
                    torch.randn(parameter.shape, generator=generator, dtype=torch.float64), alpha=0.2
                )
    text, video = features()
    return torch.cat(
        [model.scores(text, video).total.flatten(), model.loss(text, video).total.detach()[None]]
    )


def test_there_are_switches() -> None:
    assert {"tcmgc", "xclip", "xpool", "drl-wti", "drl-ti", "ucofia"} <= {recipe for recipe, _ in switches()}


@pytest.mark.parametrize(("recipe", "switch"), switches())
def test_each_switch_changes_a_number(recipe: str, switch: str) -> None:
    also = ALSO.get((recipe, switch), [])
    before, after = numbers(recipe, also), numbers(recipe, [*also, switch])
    assert before.isfinite().all()
    assert after.isfinite().all()
    assert not torch.allclose(before, after, atol=1e-6)


@pytest.mark.parametrize(
    "recipe", [name for name in RECIPES if "corrected" in read_recipe(name).config["variants"]]
)
def test_released_is_the_recipe(recipe: str) -> None:
    assert read_recipe(recipe, variant="released").digest == read_recipe(recipe).digest


def test_the_presets_of_tcmgc() -> None:
    """Of the issue: projections; and besides, frame mask, word mask, and no masked word kept."""
    released, paper, corrected = (
        read_recipe("tcmgc", variant=variant).config for variant in ("released", "paper", "corrected")
    )
    view = [config["views"]["video"] for config in (released, paper, corrected)]
    assert [(v["projections"], v["frame_mask"]) for v in view] == [
        (False, False),
        (True, False),
        (True, True),
    ]
    for config, masked in ((released, False), (paper, False), (corrected, True)):
        for granularity in config["granularities"].values():
            assert granularity["text_mask"] is granularity["video_mask"] is masked
    assert {key for key in paper if paper[key] != released[key]} == {"views"}
    assert {key for key in corrected if corrected[key] != released[key]} == {"views", "granularities"}


def test_a_masked_word_is_never_kept_by_corrected_tcmgc() -> None:
    """Whatever padding words hold, nothing changes; as released, they are chosen."""
    text, video = features()
    assert text.words is not None
    strong = torch.where(text.words.mask[..., None], text.words.values, 9 * video.frames.values.mean((0, 1)))
    for variant, same in (("corrected", True), ("released", False)):
        model = tcmgc.build(
            "tcmgc", Sizes(D, W, F), variant=variant, overrides=KEEP["tcmgc"], dtype=torch.float64
        )
        one, other = (
            model.scores(TextFeatures(text.sentence, Tokens(words, text.words.mask)), video).total
            for words in (text.words.values, strong)
        )
        assert torch.allclose(one, other) is same

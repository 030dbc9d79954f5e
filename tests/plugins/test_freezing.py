"""What is trained of CLIP, by the rule of the official codes written the other way round."""

from __future__ import annotations

from typing import Any

import pytest

from open_clip_cases import CAPTIONS
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

TRAINED = ("ln_final.", "text_projection", "visual.ln_post.", "visual.proj")
BLOCKS = ("transformer.resblocks.", "visual.transformer.resblocks.")


def build(**options: Any) -> OpenClip:
    return OpenClip(model="StoryShapes-ViT", pretrained=None, words=20, **options)


def trained(encoder: OpenClip) -> set[str]:
    return {name for name, parameter in encoder.clip.named_parameters() if parameter.requires_grad}


def released(encoder: OpenClip, freeze_layer_num: int) -> set[str]:
    """CLIP4Clip's loop: everything is frozen but these, and blocks from freeze_layer_num on."""
    found = set()
    for name, _ in encoder.clip.named_parameters():
        if name.startswith(TRAINED) or (
            name.startswith(BLOCKS) and int(name.split(".resblocks.")[1].split(".")[0]) >= freeze_layer_num
        ):
            found.add(name)
    return found


def test_the_model_has_several_blocks() -> None:
    encoder = build()
    numbers = {
        name.split(".resblocks.")[1].split(".")[0] for name in trained(encoder) if name.startswith(BLOCKS)
    }
    assert len(numbers) > 2


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_freeze_layer_num(layers: int) -> None:
    encoder = build(freeze="embeddings", freeze_layers=layers)
    assert trained(encoder) == released(encoder, layers)
    assert not encoder.frozen


def test_nothing_and_all() -> None:
    encoder = build(freeze="nothing")
    every = {name for name, _ in encoder.clip.named_parameters()}
    assert trained(encoder) == every - {"logit_scale"}  # the model's own is trained
    frozen = build(freeze="all")
    assert trained(frozen) == set()
    assert frozen.frozen


def test_frozen_weights_get_no_gradient() -> None:
    encoder = build(freeze_layers=1)
    encoder.encode_text(encoder.tokenize(CAPTIONS), frozenset({"sentence"})).sentence.sum().backward()  # type: ignore[union-attr]
    with_gradient = {name for name, p in encoder.clip.named_parameters() if p.grad is not None}
    assert with_gradient == {name for name in released(encoder, 1) if not name.startswith("visual.")}


def test_layers_that_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match="freeze_layers = 2 goes with freeze: embeddings, not with all"):
        build(freeze="all", freeze_layers=2)
    with pytest.raises(ValueError, match="no tower has more than"):
        build(freeze_layers=50)


def test_float16_weights_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match=r"float16 is not trained here: .* 0 in float16"):
        build(weights="float16")

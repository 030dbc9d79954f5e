"""Temporal transformers start as the encoder's text tower."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from engine_cases import D, TinyEncoder, build
from tcmgc import ConfigError
from tcmgc.api import read_recipe
from tcmgc.app import current_registry
from tcmgc.engine.encoded_model import build_encoded
from tcmgc.slots.text_start import TextStart
from tcmgc_plugins.blocks.transformer import attention_blocks
from tcmgc_plugins.encoders.open_clip_encoder import OpenClip

if TYPE_CHECKING:
    from tcmgc.model import RetrievalModel

PLACES = {"clip4clip-seqtransf": "stages.video.0", "clip4clip-tight": "scorer", "drl-xti": "scorer"}


class Offering(TinyEncoder):
    """Offers a text tower of some blocks and positions."""

    def __init__(self, *, layers: int = 2, positions: int = 9, width: int = D) -> None:
        super().__init__()
        self.positions = torch.randn(positions, width)
        self.blocks = attention_blocks(layers=layers, dim=width, heads=1)

    def text_start(self) -> TextStart:
        return TextStart(self.positions, tuple(block.state_dict() for block in self.blocks))


def head(recipe: str, encoder: nn.Module, *overrides: str, seed: int = 0) -> RetrievalModel:
    read = read_recipe(recipe, overrides=list(overrides))
    return build_encoded(read, encoder, 3, current_registry(), seed).head  # type: ignore[arg-type]


@pytest.mark.parametrize(("recipe", "place"), PLACES.items())
def test_first_blocks_and_positions(recipe: str, place: str) -> None:
    encoder = Offering()
    ours = head(recipe, encoder)
    own = build(recipe).head
    taker, other = ours.get_submodule(place), own.get_submodule(place)
    for block, text_block in zip(taker.resblocks, encoder.blocks, strict=False):
        for name, weight in block.state_dict().items():
            assert torch.equal(weight, text_block.state_dict()[name]), name
    table, untouched = taker.position_embeddings.weight, other.position_embeddings.weight
    assert torch.equal(table[:9], encoder.positions)
    # What the text tower does not have stays as it would be.
    assert torch.equal(table[9:], untouched[9:])
    for block, same in zip(taker.resblocks[2:], other.resblocks[2:], strict=True):
        assert torch.equal(block.mlp.c_fc.weight, same.mlp.c_fc.weight)
    assert len(taker.resblocks) == 4


def test_the_copy_is_a_copy() -> None:
    encoder = Offering()
    block = head("clip4clip-seqtransf", encoder).get_submodule("stages.video.0.resblocks.0")
    with torch.no_grad():
        block.ln_1.weight.fill_(7)  # type: ignore[union-attr, operator]
    assert (encoder.blocks[0].ln_1.weight == 1).all()  # type: ignore[union-attr]


def test_as_many_blocks_as_the_recipe_has() -> None:
    ours = head("clip4clip-seqtransf", Offering(layers=6, positions=100), "stages.video.0.layers=1")
    assert len(ours.get_submodule("stages.video.0.resblocks")) == 1  # type: ignore[arg-type]


def test_normal_starts_on_its_own() -> None:
    ours = head("clip4clip-seqtransf", Offering(), "stages.video.0.init=normal")
    alone = build("clip4clip-seqtransf", overrides=["stages.video.0.init=normal"]).head
    for name, weight in alone.state_dict().items():
        assert torch.equal(weight, ours.state_dict()[name]), name


def test_another_width_is_refused_with_the_place_and_a_way_out() -> None:
    with pytest.raises(ConfigError) as caught:
        head("clip4clip-seqtransf", Offering(width=2 * D))
    said = str(caught.value)
    assert "recipe 'clip4clip-seqtransf': stages.video.0" in said
    assert f"{2 * D} wide and the joint space {D}" in said
    assert "init: normal" in said
    head("clip4clip-seqtransf", Offering(width=2 * D), "stages.video.0.init=normal")
    head("xpool", Offering(width=2 * D))  # nothing in it starts from the text tower


def test_open_clip_offers_its_own_text_transformer() -> None:
    encoder = OpenClip(model="StoryShapes-ViT", pretrained="storyshapes", words=20)
    ours = head("clip4clip-seqtransf", encoder)
    weights = encoder.clip.state_dict()
    for name, weight in ours.get_submodule("stages.video.0.resblocks.2").state_dict().items():
        assert torch.equal(weight, weights[f"transformer.resblocks.2.{name}"]), name
    table = ours.get_submodule("stages.video.0.position_embeddings").weight
    assert torch.equal(table[:40], weights["positional_embedding"])


def test_a_block_with_layer_scale_is_no_block_of_this_kind() -> None:
    encoder = OpenClip(model="StoryShapes-ViT", pretrained=None, words=20)
    encoder.clip.transformer.resblocks[0].ls_1 = nn.Linear(1, 1)
    assert encoder.text_start() is None

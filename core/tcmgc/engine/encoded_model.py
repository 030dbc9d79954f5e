"""An encoder and what comes after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn

from tcmgc.builder import Sizes, build_model
from tcmgc.errors import ConfigError, PluginError
from tcmgc.slots.text_start import OffersTextStart, TakesTextStart

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.model import LossResult, RetrievalModel
    from tcmgc.recipes.load import Recipe
    from tcmgc.registry import Registry
    from tcmgc.slots.encoder import Encoder, TokenIds

from .feature_tensors import convert_text, convert_video, in_float32


class EncodedModel(nn.Module):
    """Captions and frames to scores. Weights are named ``encoder.*`` and ``head.*``.

    Parameters
    ----------
    encoder
        A `torch.nn.Module`.
    head
        Everything after it.

    Raises
    ------
    PluginError
        When the encoder is no module.
    """

    encoder: Encoder
    head: RetrievalModel

    def __init__(self, encoder: Encoder, head: RetrievalModel) -> None:
        super().__init__()
        if not isinstance(encoder, nn.Module):
            raise PluginError("encoder", found=type(encoder).__name__, expected="a torch.nn.Module")
        self.encoder = encoder
        self.head = head

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.head.logit_scale.device

    def encode_text(self, tokens: TokenIds) -> TextFeatures:
        """Encode captions; the features are float32 whatever the encoder computed in."""
        return convert_text(self.encoder.encode_text(tokens, self.head.inputs), in_float32)

    def encode_video(self, pixels: Tensor, mask: Tensor) -> VideoFeatures:
        """Encode frames, uint8 [V, F, S, S, 3] with mask [V, F], as `encode_text` does captions."""
        return convert_video(self.encoder.encode_video(pixels, mask, self.head.inputs), in_float32)

    def loss(
        self, text: TextFeatures, video: VideoFeatures, generator: Generator | None = None
    ) -> LossResult:
        """Compute the loss of a batch whose text i describes video i, in float32 under autocast too.

        The logit scale multiplies cosines by up to 100: three digits of bfloat16 would be off by a unit.
        """
        with torch.autocast(self.device.type, enabled=False):
            return self.head.loss(text, video, None, generator)


def build_encoded(
    recipe: Recipe, encoder: Encoder, frames: int, registry: Registry, seed: int
) -> EncodedModel:
    """Build what a recipe puts behind an encoder.

    Parameters
    ----------
    recipe
        From `tcmgc.recipes.load.load_recipe`.
    encoder
        Fixes width, words and patches, and where the logit scale starts: at the checkpoint's, or at the
        recipe's ``logit_scale.max`` where that is less.
    frames
        F, the most frames a clip.
    registry
        Where the recipe's components are found.
    seed
        Of the initial weights. What starts from the encoder's text tower (`tcmgc.slots.text_start`) has the
        same ones for every seed.

    Raises
    ------
    ConfigError
        When a component is to start from a text tower of another width.
    """
    sizes = Sizes(encoder.dim, encoder.words, frames, frames * encoder.patches)
    head = build_model(recipe, registry, sizes, seed=seed)
    with torch.no_grad():
        head.logit_scale.fill_(math.log(encoder.logit_scale))
    head.clamp_logit_scale()
    _start_from_text(head, encoder)
    return EncodedModel(encoder, head).eval()


def _start_from_text(head: RetrievalModel, encoder: Encoder) -> None:
    """Give the text tower's weights, where the encoder offers them, to what starts from them."""
    takers = {name: module for name, module in head.named_modules() if isinstance(module, TakesTextStart)}
    start = encoder.text_start() if takers and isinstance(encoder, OffersTextStart) else None
    if start is None:
        return
    for name, taker in takers.items():
        try:
            taker.start_from_text(start)
        except ValueError as error:
            raise ConfigError(f"recipe {head.recipe.name!r}: {name}", found=str(error)) from None


def build_with_encoder(recipe: Recipe, registry: Registry, seed: int = 0) -> EncodedModel:
    """Build what a recipe with an encoder and a sampler describes, as it starts.

    Parameters
    ----------
    recipe
        Its protocol's sections included.
    registry
        Where its components are found.
    seed
        Of the initial weights of what comes after the encoder.
    """
    encoder, sampler = (
        registry.create(slot, recipe.config[slot], {}, recipe.resolved.where(slot))
        for slot in ("encoder", "sampler")
    )
    return build_encoded(recipe, encoder, sampler.frames, registry, seed)

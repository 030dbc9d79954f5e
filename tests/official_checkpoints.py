"""Checkpoints as official repositories save them, with random weights, of a small CLIP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

import tcmgc
from tcmgc.files.weights_file import official_by_ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

WORDS, FRAMES = 32, 12
HALF = ("conv1.weight", "attn.", "mlp.", "visual.proj", "text_projection")
"""What ``convert_weights`` leaves in float16."""


@dataclass(frozen=True)
class Geometry:
    """Of a CLIP: as in e2e.md, section 3."""

    embed: int = 64
    width: int = 64
    layers: int = 2
    patch: int = 16
    side: int = 64
    text_width: int = 64
    text_layers: int = 2
    context: int = 77


def clip_state(geometry: Geometry | None = None, *, seed: int = 0) -> dict[str, Tensor]:
    """CLIP under ``clip.``, by OpenAI's names; nothing is left at a trivial value."""
    g = geometry or Geometry()
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float) -> Tensor:
        return scale * torch.randn(*shape, generator=generator)

    def norm(name: str, width: int) -> dict[str, Tensor]:
        return {f"{name}.weight": 1 + draw(width, scale=0.25), f"{name}.bias": draw(width, scale=0.2)}

    def linear(
        name: str, to: int, of: int, weight: str = ".weight", bias: str = ".bias"
    ) -> dict[str, Tensor]:
        return {name + weight: draw(to, of, scale=of**-0.5), name + bias: draw(to, scale=0.2)}

    def tower(name: str, layers: int, width: int) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for layer in (f"{name}transformer.resblocks.{k}" for k in range(layers)):
            found |= norm(f"{layer}.ln_1", width) | norm(f"{layer}.ln_2", width)
            found |= linear(f"{layer}.attn.in_proj", 3 * width, width, "_weight", "_bias")
            found |= linear(f"{layer}.attn.out_proj", width, width)
            found |= linear(f"{layer}.mlp.c_fc", 4 * width, width)
            found |= linear(f"{layer}.mlp.c_proj", width, 4 * width)
        return found

    found = {
        "visual.class_embedding": draw(g.width, scale=0.3),
        "visual.positional_embedding": draw((g.side // g.patch) ** 2 + 1, g.width, scale=0.3),
        "visual.conv1.weight": draw(g.width, 3, g.patch, g.patch, scale=(3 * g.patch**2) ** -0.5),
        "visual.proj": draw(g.width, g.embed, scale=g.width**-0.5),
        **norm("visual.ln_pre", g.width),
        **norm("visual.ln_post", g.width),
        **tower("visual.", g.layers, g.width),
        "token_embedding.weight": draw(49408, g.text_width, scale=0.2),
        "positional_embedding": draw(g.context, g.text_width, scale=0.1),
        "text_projection": draw(g.text_width, g.embed, scale=g.text_width**-0.5),
        "logit_scale": torch.tensor(4.2),
        **norm("ln_final", g.text_width),
        **tower("", g.text_layers, g.text_width),
    }
    return {f"clip.{name}": tensor for name, tensor in found.items()}


def official_state(
    recipe: str,
    *,
    geometry: Geometry | None = None,
    words: int = WORDS,
    frames: int = FRAMES,
    variant: str | None = None,
    overrides: Sequence[str] = (),
    seed: int = 0,
) -> dict[str, Tensor]:
    """CLIP and what comes after it, by official names."""
    g = geometry or Geometry()
    patches = frames * (1 + (g.side // g.patch) ** 2)
    sizes = tcmgc.Sizes(g.embed, words, frames, patches)
    head = tcmgc.build(recipe, sizes, variant=variant, overrides=list(overrides), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    found = clip_state(g, seed=seed)
    own = {name: tensor for name, tensor in head.state_dict().items() if name != "logit_scale"}
    names = official_by_ours(own, head.recipe.official_names)
    assert names.keys() == own.keys()
    for name, tensor in own.items():
        noise = torch.randn(tensor.shape, generator=generator)
        found[names[name]] = tensor + 0.1 * noise
    return found


def mixed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same in the types that training leaves: CLIP's matrices in float16."""
    return {
        name: tensor.half() if name.startswith("clip.") and any(part in name for part in HALF) else tensor
        for name, tensor in state.items()
    }

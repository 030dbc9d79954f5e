"""Every recipe in every variant, and every component of a model put into a recipe that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

import tcmgc
from component_configs import configs, told
from tcmgc import ConfigError, Sizes, TextFeatures, Tokens, VideoFeatures
from tcmgc.api import read_recipe
from tcmgc.app import current_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

T, V, W, F, A, D = 3, 4, 6, 4, 6, 16
"""Texts, videos, words, frames, patches a frame, width."""
KEEP = 0.5
MISFIT = re.compile(
    "a stage of (text|video) features"
    "|a text-conditioned view without a query"
    "|takes a vector a pair"
    "|needs an interaction with weights"
)
"""What an error says when a component is sound and its host is not the one for it."""

MODEL_SLOTS = ("stage", "view", "reorganizer", "interaction", "aggregator", "scorer", "loss")


@dataclass(frozen=True)
class ModelCase:
    """A model: a recipe, a variant, and what goes over it."""

    id: str
    recipe: str
    variant: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)

    def build(self, sizes: Sizes | None = None, *, seed: int = 1, keep: float = KEEP) -> tcmgc.RetrievalModel:
        """Build it in float64, with weights that are no start's: identities have zero gradients in places."""
        overrides = dict(self.overrides)
        recipe = read_recipe(self.recipe, variant=self.variant, overrides=overrides)
        kept = [g["reorganizer"] for g in recipe.config["granularities"].values() if g["reorganizer"]]
        if any("keep_rate" in reorganizer for reorganizer in kept):
            overrides["granularities.*.reorganizer.keep_rate"] = keep
        model = tcmgc.build(
            self.recipe,
            sizes or SIZES,
            variant=self.variant,
            overrides=overrides,
            seed=seed,
            dtype=torch.float64,
        )
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn(weight.shape, generator=generator, dtype=weight.dtype), alpha=0.05)
            model.logit_scale.fill_(1.5)
        return model


Host = tuple[str, dict[str, Any]]
"""A recipe, and what goes over it so that it shows a component."""
SIZES = Sizes(dim=D, max_words=W, max_frames=F, max_patches=F * A)


@cache
def built(case: ModelCase, sizes: Sizes = SIZES) -> tcmgc.RetrievalModel:
    """The case's model, which tests leave as it is."""
    return case.build(sizes)


def recipe_cases() -> Iterator[ModelCase]:
    registry = current_registry()
    for name in sorted(registry.recipe_files):
        yield ModelCase(name, name)
        variants = read_recipe(name).config["variants"]
        for variant, overrides in variants.items():
            if overrides:
                yield ModelCase(f"{name} {variant}", name, variant)


def component_cases() -> Iterator[ModelCase]:
    """Hosts of every component of a model: at least one each, or an error that names it."""
    registry = current_registry()
    for slot in MODEL_SLOTS:
        for name in registry.names(slot):
            for config in configs(slot, name):
                label = told(config, slot)
                found = next(fitting(label, HOSTS[slot](config)), None)
                assert found is not None, f"{label}: no host that it can be built in"
                yield found


def fitting(label: str, hosts: list[Host]) -> Iterator[ModelCase]:
    """Yield the hosts that a component fits into; what goes wrong otherwise is an error of the component."""
    for recipe, overrides in hosts:
        case = ModelCase(label, recipe, overrides={"empty_items": "score", **overrides})
        try:
            model = case.build()
            text, video = galleries()
            model(text, video)
            model.loss(text, video[:T], generator=torch.Generator().manual_seed(0))
        except (ConfigError, ValueError) as error:
            if not MISFIT.search(str(error)):
                raise
            continue
        yield case


def _one_granularity(text: str, view: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    return {
        "views": {"video": view},
        "granularities": {"video-sentence": None, "one": {"text": text, "video": "video", **more}},
    }


FRAMES, MEAN = {"name": "identity", "of": "frames"}, {"name": "mean", "of": "frames"}
SIDES = (("words", FRAMES), ("sentence", FRAMES), ("words", MEAN))


def _masks() -> dict[str, Any]:
    return {"granularities.*.text_mask": True, "granularities.*.video_mask": True}


def _stage_hosts(config: dict[str, Any]) -> list[Host]:
    patches = {"granularities.patch-word.normalize_video": True}
    return [
        (recipe, {"stages": {"video": [], "text": [], side: [config]}, **_masks(), **more})
        for side in ("video", "text")
        for recipe, more in (("ucofia", patches), ("xclip", {}))
    ]


def _view_hosts(config: dict[str, Any]) -> list[Host]:
    return [
        ("clip4clip-meanp", _one_granularity("words", {**config, **keys}, interaction="bi-aosm"))
        for keys in ({"of": "frames"}, {"of": "frames", "query": "words"})
    ]


def _reorganizer_hosts(config: dict[str, Any]) -> list[Host]:
    return [
        ("clip4clip-meanp", _one_granularity(text, view, reorganizer=config, interaction=interaction))
        for text, view in SIDES
        for interaction in ("bi-aosm", "aosm")
    ]


def _interaction_hosts(config: dict[str, Any]) -> list[Host]:
    return [("clip4clip-meanp", _one_granularity(text, view, interaction=config)) for text, view in SIDES]


def _loss_hosts(config: dict[str, Any]) -> list[Host]:
    only = {"losses.only": config, **_masks()}
    return [
        (
            recipe,
            {
                **dict.fromkeys(f"losses.{other}" for other in read_recipe(recipe).config["losses"]),
                **only,
                **more,
            },
        )
        for recipe, more in (("xclip", {}), ("drl-wti", {"granularities.*.interaction.masked": "exclude"}))
    ]


HOSTS = {
    "stage": _stage_hosts,
    "view": _view_hosts,
    "reorganizer": _reorganizer_hosts,
    "interaction": _interaction_hosts,
    "aggregator": lambda config: [("xclip", {"aggregator": config, **_masks()})],
    "scorer": lambda config: [("clip4clip-tight", {"scorer": config})],
    "loss": _loss_hosts,
}


def galleries(
    seed: int = 0,
    sizes: Sizes = SIZES,
    *,
    texts: int = T,
    videos: int = V,
    empty: bool = False,
    holes: bool = False,
) -> tuple[TextFeatures, VideoFeatures]:
    """Make ragged texts and videos.

    The last text and the last but one video are without anything where asked; with holes, padding stands
    anywhere rather than at the end.
    """
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    words = torch.randint(2, sizes.max_words + 1, (texts, 1), generator=generator)
    frames = torch.randint(1, sizes.max_frames + 1, (videos, 1), generator=generator)
    if empty:
        words[texts - 1], frames[videos - 2] = 0, 0
    word_mask = torch.arange(sizes.max_words) < words
    frame_mask = torch.arange(sizes.max_frames) < frames
    if holes:
        places = torch.Generator().manual_seed(seed)
        word_mask, frame_mask = (
            mask.gather(1, torch.rand(mask.shape, generator=places).argsort(dim=1))
            for mask in (word_mask, frame_mask)
        )
    patches = sizes.max_patches // sizes.max_frames
    return (
        TextFeatures(random(texts, D), Tokens(random(texts, sizes.max_words, D), word_mask)),
        VideoFeatures(
            Tokens(random(videos, sizes.max_frames, D), frame_mask),
            extra={
                "patches": Tokens(
                    random(videos, sizes.max_patches, D), frame_mask.repeat_interleave(patches, dim=1)
                )
            },
        ),
    )

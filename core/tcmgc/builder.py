"""From a recipe to a model."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from .errors import ConfigError
from .granular import GranularScorer
from .granularity import Granularity
from .model import RetrievalModel
from .slots.interaction import ItemWeighting
from .slots.stage import Resizing, side_of
from .slots.view import FactoredView
from .view_use import ViewUse

if TYPE_CHECKING:
    from .recipes.load import Recipe
    from .registry import Registry
    from .slots.scorer import Scorer
    from .slots.view import VideoView


@dataclass(frozen=True)
class Sizes:
    """The sizes that features fix.

    Parameters
    ----------
    dim
        D, the joint width.
    max_words
        W, token positions a text.
    max_frames
        F, frames a video.
    max_patches
        P, patch vectors a video; 0 where there are none.
    """

    dim: int
    max_words: int
    max_frames: int
    max_patches: int = 0

    def __post_init__(self) -> None:
        for name, least in (("dim", 1), ("max_words", 1), ("max_frames", 1), ("max_patches", 0)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"size {name}", found=str(getattr(self, name)), expected=f"at least {least}"
                )

    def length(self, tokens: str) -> int:
        """Count a token sequence: sentence, words, frames, raw_frames or patches."""
        lengths = {
            "sentence": 1,
            "words": self.max_words,
            "frames": self.max_frames,
            "raw_frames": self.max_frames,
            "patches": self.max_patches,
        }
        return lengths[tokens]


def build_model(
    recipe: Recipe, registry: Registry, sizes: Sizes, *, seed: int = 0, dtype: torch.dtype | None = None
) -> RetrievalModel:
    """Make the model a recipe describes, on the CPU, in evaluation mode.

    Parameters
    ----------
    recipe
        From `tcmgc.recipes.load.load_recipe`.
    registry
        Where its components are found.
    sizes
        What the encoder, or the features, fix.
    seed
        Of the initial weights; the global random state is left as it was.
    dtype
        Of all weights; float32 when left out.
    """
    builder = _Builder(recipe, registry, sizes)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which reseeds GPUs too
        model = builder.model()
    return model.to(dtype or torch.float32).eval()


class _Builder:
    def __init__(self, recipe: Recipe, registry: Registry, sizes: Sizes) -> None:
        self._recipe = recipe
        self._config = recipe.config
        self._registry = registry
        self._sizes = sizes
        self._injected: dict[str, int] = asdict(sizes)

    def model(self) -> RetrievalModel:
        modules = torch.nn.ModuleDict()  # an instance has names that its class has not, as training
        for section in ("views", "granularities", "losses"):
            for name in self._config[section]:
                if hasattr(modules, name) or "." in name or not name:
                    raise ConfigError(
                        self._recipe.resolved.where(section, name),
                        found=f"the name {name!r}",
                        expected="a name without dots that torch.nn.ModuleDict does not use itself",
                    )
        given = self._sizes
        stages = {side: self._stages(side, listed) for side, listed in self._config["stages"].items()}
        scorer = self._make("scorer", self._config["scorer"], "scorer")
        losses = {
            name: (loss["weight"], self._make("loss", _own(loss, "weight"), "losses", name))
            for name, loss in self._config["losses"].items()
        }
        return RetrievalModel(
            recipe=self._recipe,
            sizes=given,
            text_stages=stages["text"],
            video_stages=stages["video"],
            scorer=self._granular() if scorer is None else scorer,
            losses=losses,
            empty_items=self._config["empty_items"],
            **{f"logit_scale_{key}": value for key, value in self._config["logit_scale"].items()},
        )

    def _stages(self, side: str, listed: list[dict[str, Any]]) -> list[Any]:
        """Make a side's stages, each for the lengths that the one before it leaves."""
        stages = []
        for index, config in enumerate(listed):
            stage = self._make("stage", config, "stages", side, index)
            if side_of(stage) not in (side, None):
                raise ConfigError(
                    self._recipe.resolved.where("stages", side, index),
                    found=f"{config['name']}, a stage of {side_of(stage)} features",
                    expected=f"a stage of {side} features",
                )
            stages.append(stage)
            if isinstance(stage, Resizing):
                before = {tokens: self._sizes.length(tokens) for tokens in ("words", "frames", "patches")}
                after = {f"max_{tokens}": length for tokens, length in stage.lengths(before).items()}
                self._sizes = replace(self._sizes, **after)
                self._injected = asdict(self._sizes)
        return stages

    def _make(self, slot: str, config: dict[str, Any] | None, *path: str | int, **more: int) -> Any:
        if config is None:
            return None
        return self._registry.create(slot, config, self._injected | more, self._recipe.resolved.where(*path))

    def _granular(self) -> Scorer:
        components: dict[str, VideoView] = {}
        for name, view in self._config["views"].items():
            if view["share"] is None:
                components[name] = self._make("view", _own(view, "of", "query", "share"), "views", name)
        uses = {name: self._use(name, view, components) for name, view in self._config["views"].items()}
        granularities = {
            name: self._granularity(name, keys, uses) for name, keys in self._config["granularities"].items()
        }
        on_parts = self._config["logit_scale"]["apply"] == "parts"
        scorer = GranularScorer(
            components=components,
            uses=uses,
            granularities=granularities,
            scaled=frozenset(
                n for n, keys in self._config["granularities"].items() if on_parts and keys["scaled"]
            ),
            aggregator=self._make(
                "aggregator", self._config["aggregator"], "aggregator", parts=len(granularities)
            ),
            dim=self._sizes.dim,
        )
        scorer.kernels = tuple(self._registry.create_all("kernel").items())
        return scorer

    def _use(self, name: str, view: dict[str, Any], components: dict[str, VideoView]) -> ViewUse:
        owner = view["share"] or name
        component, query, of = components[owner], view["query"], view["of"]
        where = self._recipe.resolved.where("views", name)
        if component.text_conditioned and query is None:
            raise ConfigError(
                where, found="a text-conditioned view without a query", expected="query: sentence | words"
            )
        if query is not None and not component.text_conditioned:
            raise ConfigError(where, found=f"query: {query}", expected="no query: the view looks at no text")
        if self._sizes.length(of) == 0:
            raise ConfigError(
                where, found=f"of: {of}, but the features have none", expected="features with patches"
            )
        queries, tokens = 0 if query is None else self._sizes.length(query), self._sizes.length(of)
        vectors = component.vectors(queries, tokens)
        basis = None
        if isinstance(component, FactoredView) and vectors == queries:
            basis = component.basis_size(tokens)
        return ViewUse(owner, of, query, vectors, basis)

    def _granularity(self, name: str, keys: dict[str, Any], uses: dict[str, ViewUse]) -> Granularity:
        path = ("granularities", name)
        lengths = self._sizes.length(keys["text"]), uses[keys["video"]].vectors
        reorganizer = self._make(
            "reorganizer", keys["reorganizer"], *path, "reorganizer", **_lengths(lengths)
        )
        if reorganizer is not None:
            lengths = reorganizer.lengths(*lengths)
        if keys["interaction"] is None and lengths != (1, 1):
            raise ConfigError(
                self._recipe.resolved.where(*path),
                found=f"a {lengths[0]} x {lengths[1]} similarity a pair and no interaction",
                expected="an interaction that makes it one number",
            )
        interaction = self._make(
            "interaction", keys["interaction"], *path, "interaction", **_lengths(lengths)
        )
        if reorganizer is not None and isinstance(interaction, ItemWeighting):
            raise ConfigError(
                self._recipe.resolved.where(*path, "interaction"),
                found=f"{keys['interaction']['name']!r}, which weighs items, behind a reorganizer",
                expected="no reorganizer (reorganizer: null): ranks are no items any more",
            )
        own = {
            key: value for key, value in keys.items() if key not in ("scaled", "reorganizer", "interaction")
        }
        own["entries"] = self._sizes.length(keys["text"]) * uses[keys["video"]].vectors
        return Granularity(**own, dim=self._sizes.dim, reorganizer=reorganizer, interaction=interaction)


def _own(config: dict[str, Any], *structural: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in structural}


def _lengths(lengths: tuple[int, int]) -> dict[str, int]:
    return {"text_length": lengths[0], "video_length": lengths[1]}

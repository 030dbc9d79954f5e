"""The Python face: `tcmgc.build` and `tcmgc.metrics`. The command line stands on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .app import current_plugins, current_registry
from .errors import ConfigError
from .recipes.load import Overrides, Recipe, load_recipe

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike

    from .builder import Sizes
    from .model import RetrievalModel
    from .ranking import V2TRule
    from .slots.metric import Ties


def read_recipe(recipe: str | Path, *, variant: str | None = None, overrides: Overrides = ()) -> Recipe:
    """Load and check a recipe with the process's plugins.

    ``tcmgc_local.py`` beside a recipe file, or in the working directory when the recipe is given by
    name, is loaded first.

    Parameters
    ----------
    recipe
        A registered name, or a path to a YAML file.
    variant
        One of the recipe's variants.
    overrides
        ``["a.b=value", ...]`` or ``{"a.b": value, ...}``.
    """
    plugins = current_plugins()
    path = Path(recipe)
    plugins.load_beside(path.parent if path.suffix in {".yaml", ".yml"} else Path())
    return load_recipe(plugins.registry, recipe, variant=variant, overrides=overrides)


def build(
    recipe: str | Path | Recipe,
    sizes: Sizes,
    *,
    variant: str | None = None,
    overrides: Overrides = (),
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> RetrievalModel:
    """Build a model from a recipe.

    Parameters
    ----------
    recipe
        A registered name, a path to a YAML file, or what `read_recipe` returned.
    sizes
        Width, words and frames, that the encoder or the features fix.
    variant, overrides
        As in `read_recipe`; not with a recipe that is read already.
    seed
        Of the initial weights.
    dtype
        Of all weights; float32 when left out. In float64 the logit scale starts exact, which
        ``.double()`` afterwards cannot make it.

    Returns
    -------
    RetrievalModel
        On the CPU, in evaluation mode.

    Raises
    ------
    ConfigError, PluginError
        When the recipe, or a plugin it needs, is wrong.
    """
    from .builder import build_model

    if isinstance(recipe, Recipe) and (variant is not None or overrides):
        raise ConfigError(
            "build",
            found="a recipe that is read already, and variant or overrides",
            expected="them in read_recipe",
        )
    if not isinstance(recipe, Recipe):
        recipe = read_recipe(recipe, variant=variant, overrides=overrides)
    return build_model(recipe, current_registry(), sizes, seed=seed, dtype=dtype)


def metrics(
    similarity: ArrayLike,
    video_of_text: ArrayLike | None = None,
    *,
    ties: Ties = "expected",
    v2t_rule: V2TRule = "caption-group",
) -> dict[str, Any]:
    """Compute every registered metric, both directions, with ties made explicit.

    Parameters
    ----------
    similarity
        [T, V]: anything numpy can read, torch tensors included.
    video_of_text
        [T], the column of each text's video; the diagonal when left out.
    ties
        The headline's tie policy.
    v2t_rule
        What a video searches when it has several captions: `tcmgc.ranking.V2TRule`.

    Returns
    -------
    dict
        See `tcmgc.evaluation.metrics`.

    Raises
    ------
    DataError
        When the matrix has a non-finite entry or does not fit the pairing.
    """
    from . import evaluation

    return evaluation.metrics(
        similarity,
        video_of_text,
        measures=current_registry().create_all("metric"),
        ties=ties,
        v2t_rule=v2t_rule,
    )

"""The Python face: `build`, `run`, `load`, `evaluate`, `metrics`. The command line stands on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .app import current_plugins, current_registry
from .errors import ConfigError, nearest
from .recipes.load import Overrides, Recipe, load_recipe, parse_overrides
from .recipes.named_file import is_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from numpy.typing import ArrayLike

    from .builder import Sizes
    from .data.clip import SplitName
    from .experiments.listener import Listener
    from .experiments.plan import Plan
    from .experiments.run import Outcome
    from .experiments.trained import TrainedModel
    from .model import RetrievalModel
    from .ranking import V2TRule
    from .registry import Registry
    from .slots.metric import Ties


def read_recipe(
    recipe: str | Path,
    *,
    variant: str | None = None,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
) -> Recipe:
    """Load and check a recipe with the process's plugins.

    ``tcmgc_local.py`` beside a recipe file, or in the working directory when the recipe is given by
    name, is loaded first.

    Parameters
    ----------
    recipe
        A registered name, or a path to a YAML file.
    variant
        One of the recipe's variants.
    protocol
        A registered name, or a path to a YAML file: what goes over the recipe before the overrides.
    overrides
        ``["a.b=value", ...]`` or ``{"a.b": value, ...}``.
    """
    registry = plugins_beside(recipe)
    return load_recipe(registry, recipe, variant=variant, protocol=protocol, overrides=overrides)


def plan(
    target: str | Path,
    *,
    variant: str | None = None,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
    seeds: Sequence[int] | int | None = None,
) -> Plan:
    """Decide what `run` would run, and check it; the parameters are those of `run`."""
    from .experiments.plan import plan_recipe, plan_suite
    from .experiments.suite_file import is_suite

    registry = plugins_beside(target)
    suite = is_suite(Path(target)) if is_path(target) else target in registry.suite_files
    if not suite and not is_path(target) and target not in registry.recipe_files:
        known = sorted({*registry.suite_files, *registry.recipe_files})
        raise ConfigError(
            f"{target!r}",
            found="no recipe and no suite of that name",
            expected=f"one of {', '.join(known)}, or a file *.yaml",
            hint=nearest(str(target), known),
        )
    if not suite:
        return plan_recipe(
            registry, target, variant=variant, protocol=protocol, overrides=overrides, seeds=seeds
        )
    if variant is not None:
        raise ConfigError(
            f"variant {variant!r}",
            found=f"a suite, {str(target)!r}",
            expected="a recipe: the rows of a suite name their variants",
        )
    return plan_suite(registry, target, protocol=protocol, overrides=overrides, seeds=seeds)


def run(
    target: str | Path,
    out: str | Path,
    *,
    variant: str | None = None,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
    seeds: Sequence[int] | int | None = None,
    device: str = "auto",
    listener: Listener | None = None,
) -> Outcome:
    """Train, evaluate and report a recipe, or every row of a suite.

    Runs that are finished in ``out`` are not repeated, and one that was interrupted goes on.

    Parameters
    ----------
    target
        A suite or a recipe: a registered name, or a path to a YAML file.
    out
        The folder of the runs and of their report.
    variant
        One of the recipe's variants.
    protocol
        In place of the recipe's or the suite's.
    overrides
        As in `read_recipe`. In a suite, they reach the rows in which they change something:
        `tcmgc.experiments.plan.plan_suite`.
    seeds
        Distinct whole numbers from 0, or one, in place of the suite's; 0 for a recipe.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ...
    listener
        Is told how far it is.

    Returns
    -------
    Outcome
        The finished runs, and those that failed.

    Raises
    ------
    ConfigError, DataError, PluginError
        For a mistake in any row, before anything is trained.
    """
    planned = plan(target, variant=variant, protocol=protocol, overrides=overrides, seeds=seeds)
    from .experiments.run import run_plan

    return run_plan(current_plugins(), planned, Path(out), device=device, listener=listener)


def load(folder: str | Path, *, device: str = "auto", overrides: Overrides = ()) -> TrainedModel:
    """Load a finished run or an imported checkpoint: a model from texts and video files to scores.

    Parameters
    ----------
    folder
        Of a run, or what `tcmgc.import_checkpoint` wrote.
    device
        As in `run`.
    overrides
        As in `read_recipe`, of the model's recipe; the weights still have to fit.

    Raises
    ------
    ConfigError, DataError, PluginError
        When the folder holds no model, or a component of it is not there any more.
    """
    from .experiments.trained import load_trained

    changes = parse_overrides(overrides)
    return load_trained(current_registry(), Path(folder), device=device, overrides=changes)


def evaluate(
    source: str | Path,
    *,
    recipe: str | Path | None = None,
    variant: str | None = None,
    protocol: str | Path | None = None,
    overrides: Overrides = (),
    split: SplitName = "test",
    restrict_to: Sequence[str | Path] = (),
    device: str = "auto",
    listener: Listener | None = None,
) -> dict[str, Any]:
    """Evaluate a run, an imported checkpoint, or a file of weights, without training.

    Parameters
    ----------
    source
        A folder of a run or of an imported checkpoint, or a safetensors file of weights.
    recipe, variant
        What a file is of; not with a folder.
    protocol
        In place of the run's or the recipe's.
    overrides
        As in `read_recipe`; ``{"dataset": name}`` evaluates on another data set.
    split
        ``train``, ``val`` or ``test``.
    restrict_to
        Files with the id of a clip on each line. Only clips that all of them name are searched, by their
        own captions.
    device, listener
        As in `run`.

    Returns
    -------
    dict
        ``metrics`` (see `tcmgc.evaluation.metrics`), ``bounds`` (what each number could be if no clip were
        missing; empty where none is), ``fingerprint``, ``fingerprint_fields``, ``stale`` (why
        a run's numbers may be others than in its record) and the rest of what ``tcmgc evaluate --out``
        writes.

    Warns
    -----
    StaleRunWarning
        When source code that the run depends on changed since it was computed.
    UnloggedWarning
        When the reading of the test split cannot be written into the run's record.
    """
    from .experiments.evaluate_source import Source, evaluate_source

    if recipe is not None:
        plugins_beside(recipe)
    given = Source(
        Path(source),
        recipe,
        variant,
        protocol,
        tuple(parse_overrides(overrides)),
        tuple(map(Path, restrict_to)),
    )
    return evaluate_source(current_registry(), given, split, device=device, listener=listener)


def plugins_beside(target: str | Path) -> Registry:
    """Load ``tcmgc_local.py`` of a file's folder, or of the working directory for a name."""
    plugins = current_plugins()
    plugins.load_beside(Path(target).parent if is_path(target) else Path())
    return plugins.registry


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

"""``tcmgc score``: features in, scores out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import progress_bar, say_note, say_warning, warnings_said
from .options import recipe_options

if TYPE_CHECKING:
    from tcmgc.files.weights_file import LoadedWeights


@click.command()
@recipe_options
@click.option("--features", required=True, metavar="FILE", help="Safetensors with the features to score.")
@click.option("--weights", metavar="FILE", help="Safetensors with trained weights; initial ones without.")
@click.option(
    "--names",
    type=click.Choice(["auto", "ours", "official"]),
    default="auto",
    show_default=True,
    help="Whose names the weights bear.",
)
@click.option("--partial", is_flag=True, help="Let weights that the file lacks stay at their start.")
@click.option("--out", required=True, metavar="FILE", help="Safetensors to write the scores to.")
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option("--normalizer", metavar="NAME", help="Normalise test scores; in place of the recipe's own.")
@click.option("--bank", metavar="FILE", help="Features of the training queries that a normalizer looks at.")
@click.option(
    "--direction",
    type=click.Choice(["t2v", "v2t"]),
    default="t2v",
    show_default=True,
    help="Which side asks, for a normalizer.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of the initial weights."
)
def score(
    recipe: str,
    variant: str | None,
    overrides: tuple[str, ...],
    features: str,
    weights: str | None,
    names: str,
    partial: bool,
    out: str,
    dtype: str,
    device: str,
    normalizer: str | None,
    bank: str | None,
    direction: str,
    seed: int,
) -> None:
    """Score every text against every video of a file of features with a RECIPE, by name or file.

    The features: sentence [T,D], words [T,W,D], word_mask [T,W], frames [V,F,D], frame_mask [V,F],
    pixels [V,P,D], logit_scale. The scores: similarity [T,V] and parts.<granularity> [T,V].
    """
    from tcmgc.api import read_recipe
    from tcmgc.files.output import refuse_unwritable

    # Whatever can be refused without torch is refused before it is imported.
    swaps = overrides if normalizer is None else (f"normalizer={normalizer}", *overrides)
    inputs = [Path(name) for name in (features, weights, bank) if name is not None]
    refuse_unwritable(Path(out), "output", inputs)
    with warnings_said():
        read = read_recipe(recipe, variant=variant, overrides=swaps)
        from tcmgc.scoring import Job, run

        job = Job(
            recipe=read,
            features=Path(features),
            weights=None if weights is None else Path(weights),
            names=names,  # type: ignore[arg-type]
            partial=partial,
            dtype=dtype,  # type: ignore[arg-type]
            device=device,
            bank=None if bank is None else Path(bank),
            direction=direction,  # type: ignore[arg-type]
            seed=seed,
        )
        with progress_bar("scoring", "pairs") as progress:
            result = run(job, progress)
    result.write(Path(out))
    if result.weights is None:
        say_warning(f"no --weights: scored with initial weights, seed {seed}")
    else:
        _say_weights(result.weights)
    if result.unused:
        say_note(f"tensors of the features that mean nothing here: {', '.join(result.unused)}")
    T, V = result.scores.total.shape
    click.echo(f"{out}: {T} texts x {V} videos, {read.name}, parts {', '.join(result.scores.parts)}")


def _say_weights(weights: LoadedWeights) -> None:
    count = len(weights.loaded)
    said = f"{count} weight{'s' * (count != 1)} loaded under {weights.names} names"
    if weights.ignored:
        said += f"; {len(weights.ignored)} that the model has no place for ignored: {_some(weights.ignored)}"
    if weights.missing:
        said += f"; {len(weights.missing)} left at their start: {_some(weights.missing)}"
    say_note(said)


def _some(names: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f", and {len(names) - most} more" if len(names) > most else "")

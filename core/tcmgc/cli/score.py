"""``tcmgc score``: captions against video files, or features against features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tcmgc.errors import ConfigError

from .console import progress_bar, say_note, say_warning, warnings_said
from .options import recipe_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.files.weights_file import LoadedWeights

FORMS = {
    "--features FILE": (
        "features",
        "weights",
        "names",
        "partial",
        "bank",
        "dtype",
        "seed",
        "form",
        "compile",
    ),
    "--checkpoint DIR --videos FILE... --texts FILE": ("checkpoint", "videos", "texts"),
}
"""The two things that are scored, and the options of each."""


class ManyVideos(click.Command):
    """A command whose ``--videos`` takes all words up to the next option, as ``*.mp4`` gives them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write ``--videos`` before every one of them."""
        spread: list[str] = []
        inside = False
        for word in args:
            if word.startswith("-"):
                inside = word == "--videos"
            elif inside and spread[-1] != "--videos":
                spread.append("--videos")
            spread.append(word)
        return super().parse_args(ctx, spread)


@click.command(cls=ManyVideos)
@recipe_options
@click.option("--checkpoint", metavar="DIR", help="A run's folder, or what `tcmgc import` wrote.")
@click.option("--videos", multiple=True, metavar="FILE...", help="Video files, the columns of the scores.")
@click.option("--texts", metavar="FILE", help="Captions, UTF-8, one a line: the rows of the scores.")
@click.option("--features", metavar="FILE", help="Safetensors with features, in place of the three above.")
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
@click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, or several: cuda:0,cuda:1."
)
@click.option(
    "--form",
    type=click.Choice(["factored", "dense"]),
    default="factored",
    show_default=True,
    help="How vectors of pairs are held: as factors, or made (slow); the scores are the same.",
)
@click.option(
    "--compile",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Fuse the scoring's operations: faster by half, after some 20 s; auto where that is repaid.",
)
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
    normalizer: str | None,
    out: str,
    **options: Any,
) -> None:
    """Score every text against every video with a RECIPE, by name or file.

    With --checkpoint, from video files and captions: RECIPE is the checkpoint's own, and --variant and --set
    change it. With --features, from a file of features: sentence [T,D], words [T,W,D], word_mask [T,W],
    frames [V,F,D], frame_mask [V,F], pixels [V,P,D], logit_scale. The scores: similarity [T,V] and
    parts.<granularity> [T,V].
    """
    from tcmgc.files.output import refuse_unwritable

    # Whatever can be refused without torch is refused before it is imported.
    _refuse_mixed(click.get_current_context())
    swaps = overrides if normalizer is None else (f"normalizer={normalizer}", *overrides)
    named = [options[name] for name in ("features", "weights", "bank", "texts")] + list(options["videos"])
    refuse_unwritable(Path(out), "output", [Path(name) for name in named if name is not None])
    if options["checkpoint"] is not None:
        _score_videos(recipe, variant, swaps, out, options)
    else:
        _score_features(recipe, variant, swaps, out, options)


def _refuse_mixed(ctx: click.Context) -> None:
    """Refuse options of both forms, or a form that lacks some."""
    given = {name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    of_features, of_videos = ([name for name in names if name in given] for names in FORMS.values())
    both = " or ".join(FORMS)
    if of_features and of_videos:
        raise ConfigError(
            "tcmgc score", found=f"--{of_features[0]} beside --{of_videos[0]}", expected=f"either {both}"
        )
    needed = ("checkpoint", "videos", "texts") if of_videos else ("features",)
    lacking = [f"--{name}" for name in needed if name not in given]
    if lacking:
        raise ConfigError(
            "tcmgc score",
            found=f"no {' and no '.join(lacking)}",
            expected=list(FORMS)[1] if of_videos else both,
        )


def _score_videos(
    recipe: str, variant: str | None, swaps: Sequence[str], out: str, options: dict[str, Any]
) -> None:
    from tcmgc.files.captions_file import read_captions

    texts = read_captions(Path(options["texts"]))
    with warnings_said():
        from tcmgc.api_checkpoints import score_videos

        with progress_bar("scoring", "steps") as progress:
            result = score_videos(
                recipe,
                options["checkpoint"],
                texts,
                options["videos"],
                variant=variant,
                overrides=swaps,
                direction=options["direction"],
                device=options["device"],
                progress=progress,
            )
    result.write(Path(out))
    _say_scores(out, result.scores.total.shape, result.name, list(result.scores.parts))


def _score_features(
    recipe: str, variant: str | None, swaps: Sequence[str], out: str, options: dict[str, Any]
) -> None:
    from tcmgc.api import read_recipe

    with warnings_said():
        read = read_recipe(recipe, variant=variant, overrides=swaps)
        from tcmgc.scoring import Job, run

        files: dict[str, Any] = {
            name: None if (file := options[name]) is None else Path(file) for name in ("weights", "bank")
        }
        plain = {
            name: options[name]
            for name in ("names", "partial", "dtype", "device", "direction", "seed", "form", "compile")
        }
        job = Job(recipe=read, features=Path(options["features"]), **files, **plain)
        with progress_bar("scoring", "pairs") as progress:
            result = run(job, Path(out), progress=progress, notify=say_note)
    if result.compile_seconds:
        say_note(f"compiling took {result.compile_seconds:.0f} s")
    if result.weights is None:
        say_warning(f"no --weights: scored with initial weights, seed {job.seed}")
    else:
        _say_weights(result.weights)
    if result.unused:
        say_note(f"tensors of the features that mean nothing here: {', '.join(result.unused)}")
    _say_scores(out, result.scores.total.shape, read.name, list(result.scores.parts))


def _say_scores(out: str, shape: Sequence[int], recipe: str, parts: Sequence[str]) -> None:
    T, V = shape
    click.echo(f"{out}: {T} texts x {V} videos, {recipe}, parts {', '.join(parts)}")


def _say_weights(weights: LoadedWeights) -> None:
    from tcmgc.files.weights_file import WHOSE

    count = len(weights.loaded)
    said = f"{count} weight{'s' * (count != 1)} loaded under {WHOSE[weights.names]} names"
    if weights.ignored:
        said += f"; {len(weights.ignored)} that the model has no place for ignored: {_some(weights.ignored)}"
    if weights.missing:
        said += f"; {len(weights.missing)} left at their start: {_some(weights.missing)}"
    say_note(said)


def _some(names: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f", and {len(names) - most} more" if len(names) > most else "")

"""``tcmgc evaluate``: metrics of trained weights."""

from __future__ import annotations

from pathlib import Path

import click

from .console import warnings_said
from .options import experiment_options


@click.command()
@click.argument("source", metavar="RUN|CHECKPOINT")
@click.option("--recipe", metavar="NAME|FILE", help="What a checkpoint is of; a run has its own.")
@click.option("--dataset", metavar="NAME", help="In place of the run's; the same as dataset=NAME.")
@click.option(
    "--split", type=click.Choice(["train", "val", "test"]), default="test", show_default=True, help="Which."
)
@click.option("--out", metavar="FILE", help="Write the metrics and the protocol as JSON, too.")
@experiment_options
def evaluate(
    source: str,
    more: tuple[str, ...],
    recipe: str | None,
    variant: str | None,
    dataset: str | None,
    protocol: str | None,
    split: str,
    overrides: tuple[str, ...],
    device: str,
    out: str | None,
) -> None:
    """Evaluate a finished RUN's folder, or a CHECKPOINT (safetensors), without training.

    Evaluating a run on its own test split is logged in the run's record; on another data set's, it is not.
    """
    from rich.console import Console
    from tabulate import tabulate

    from tcmgc import api
    from tcmgc.files.output import refuse_unwritable

    from .run_display import RunDisplay

    if out is not None:
        refuse_unwritable(Path(out), "output", [Path(source)])
    swap = () if dataset is None else (f"dataset={dataset}",)
    with warnings_said(), RunDisplay(Console(stderr=True)) as display:
        found = api.evaluate(
            source,
            recipe=recipe,
            variant=variant,
            protocol=protocol,
            overrides=(*swap, *overrides, *more),
            split=split,  # type: ignore[arg-type]
            device=device,
            listener=display,
        )
    click.echo(f"{found['recipe']} on {found['dataset']}, {split} split")
    rows = [{"": direction, **metrics["values"]} for direction, metrics in found["metrics"].items()]
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", floatfmt=".1f"))
    if out is not None:
        from tcmgc.files.disk import writing
        from tcmgc.runs.json_file import write_json

        with writing("output", Path(out)):
            Path(out).parent.mkdir(parents=True, exist_ok=True)
            write_json(Path(out), found)
        click.echo(f"{out}: metrics and protocol")

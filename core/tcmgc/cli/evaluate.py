"""``tcmgc evaluate``: metrics of trained weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import say_note, warnings_said
from .options import experiment_options


@click.command()
@click.argument("source", metavar="RUN|CHECKPOINT")
@click.option("--recipe", metavar="NAME|FILE", help="What a checkpoint is of; a run has its own.")
@click.option("--dataset", metavar="NAME", help="In place of the run's; the same as dataset=NAME.")
@click.option(
    "--split", type=click.Choice(["train", "val", "test"]), default="test", show_default=True, help="Which."
)
@click.option(
    "--restrict-to",
    multiple=True,
    metavar="FILE",
    help="Search only the clips that FILE names, an id a line; several files: what is in all of them.",
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
    restrict_to: tuple[str, ...],
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
    from tcmgc.runs.availability import clips_counted

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
            restrict_to=restrict_to,
            device=device,
            listener=display,
        )
    counted = clips_counted(found["fingerprint_fields"])
    some = counted is not None and counted[0] != counted[1]
    told = f", {counted[0]:,} of {counted[1]:,} clips" if counted is not None and some else ""
    click.echo(f"{found['recipe']} on {found['dataset']}, {split} split{told}")
    click.echo(tabulate(_rows(found), headers="keys", tablefmt="simple", floatfmt=".1f"))
    if some and not all(found["bounds"].values()):
        say_note("how many captions the missing clips have is not known: no bounds for t2v")
    if out is not None:
        from tcmgc.files.disk import writing
        from tcmgc.runs.json_file import write_json

        with writing("output", Path(out)):
            Path(out).parent.mkdir(parents=True, exist_ok=True)
            write_json(Path(out), found)
        click.echo(f"{out}: metrics and protocol")


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Make a table: each direction's numbers and, where clips are missing, their bounds over all clips."""
    rows = []
    for direction, metrics in found["metrics"].items():
        rows.append({"": direction, **metrics["values"]})
        if bounds := found["bounds"][direction]:
            for place, name in enumerate(("least", "most")):
                own = {number: ends[place] for number, ends in bounds.items()}
                rows.append({"": f"{direction}, with all clips at {name}", **own})
    return rows

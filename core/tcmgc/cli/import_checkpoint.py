"""``tcmgc import``: an official checkpoint becomes a model's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import warnings_said
from .main import plugin_option
from .options import VARIANT, set_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.runs.import_record import ImportRecord

MOST = 6
"""Names of a kind that are said; all are in import.json."""


@click.command("import")
@click.argument("checkpoint", metavar="OFFICIAL.bin|.pth|.safetensors")
@click.option("--recipe", required=True, metavar="NAME|FILE", help="The method that the checkpoint is of.")
@click.option("--out", required=True, metavar="DIR", help="Folder for the model; not there yet, or empty.")
@VARIANT
@click.option(
    "--protocol",
    metavar="NAME|FILE",
    help="Encoder, sampler and reader, in place of the recipe's official one.",
)
@set_option("Override a dotted key, as encoder.words=64 or sampler.frames=64; may be repeated.")
@click.option("--partial", is_flag=True, help="Import what fits; the rest keeps its start, or is left out.")
@plugin_option
def import_(
    checkpoint: str,
    recipe: str,
    out: str,
    variant: str | None,
    protocol: str | None,
    overrides: tuple[str, ...],
    partial: bool,
) -> None:
    """Make a model's folder of a checkpoint that an official repository wrote.

    The folder has config.yaml, model.safetensors and import.json, which lists every name: mapped, ignored or
    missing. `tcmgc evaluate`, `tcmgc score --checkpoint` and `tcmgc export` take it, and so does tcmgc.load.
    """
    from tcmgc import api_checkpoints
    from tcmgc.files.output import refuse_unwritable_folder

    refuse_unwritable_folder(Path(out), "output")
    with warnings_said():
        record = api_checkpoints.import_checkpoint(
            checkpoint,
            recipe,
            out,
            variant=variant,
            protocol=protocol,
            overrides=overrides,
            partial=partial,
        )
    _say(record, out)


def _say(record: ImportRecord, out: str) -> None:
    from tabulate import tabulate

    mapped = [(", ".join(one.official), one.ours, one.dtype) for one in record.mapped]
    rows: list[tuple[str, str, str]] = []
    rows += _first("mapped", [f"{theirs} -> {ours} ({dtype})" for theirs, ours, dtype in mapped])
    rows += _first("ignored", [f"{one.official}: {one.reason}" for one in record.ignored])
    rows += _first("missing", list(record.missing))
    click.echo(tabulate(rows, headers=["", "count", "name"], tablefmt="simple", disable_numparse=True))
    for path, number in record.read.items():
        click.echo(f"{path} is {number}: the checkpoint has as many, and the recipe another number")
    click.echo(f"{out}: recipe {record.recipe}, names of {record.names}; all names are in {out}/import.json")


def _first(kind: str, names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Make the rows of a kind: the first names, and how many more there are."""
    shown = [*names[:MOST], *([f"... and {len(names) - MOST} more"] if len(names) > MOST else [])]
    first, *rest = shown or [""]
    return [(kind, str(len(names)), first), *(("", "", name) for name in rest)]

"""``tcmgc export``: a model as its official code saves it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from .console import warnings_said
from .main import plugin_option


@click.command()
@click.argument("model", metavar="DIR")
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help=".safetensors, .bin, or .pth with a state_dict; not there yet.",
)
@click.option(
    "--names",
    metavar="clip|hf",
    help="Whose names the encoder gets; those it was imported under when left out, else clip.",
)
@click.option(
    "--types",
    type=click.Choice(["imported", "float32"]),
    default="imported",
    show_default=True,
    help="imported: half precision where the checkpoint had it.",
)
@plugin_option
def export(model: str, out: str, names: str | None, types: str) -> None:
    """Write the model of DIR, a run's folder or an imported checkpoint, under official names."""
    from tcmgc import api_checkpoints
    from tcmgc.files.output import refuse_unwritable

    refuse_unwritable(Path(out), "output", Path(model).glob("*"))
    with warnings_said():
        written = api_checkpoints.export_checkpoint(model, out, names=names, types=types)  # type: ignore[arg-type]
    kinds = Counter(str(tensor.dtype).removeprefix("torch.") for tensor in written.values())
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    click.echo(f"{out}: {len(written)} tensors, {told}")

"""``tcmgc bench training``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from tcmgc.files.output import refuse_unwritable

from .size_option import size

SCHEMA_VERSION = 1


@click.command()
@click.option("--recipe", "recipes", multiple=True, default=("tcmgc", "xpool", "xclip"), show_default=True)
@click.option(
    "--batch", "batches", multiple=True, type=click.IntRange(min=2), default=(128, 512), show_default=True
)
@size("--words", 32, "W, token positions a text.")
@size("--frames", 12, "F, frames a video.")
@size("--dim", 512, "D, the joint width.")
@size("--rounds", 3, "Steps that are timed, after one that is not.")
@size("--longest", 300, "Seconds; a step that would take longer is not run.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--json", "out", metavar="FILE", help="Write every measurement too.")
def training(
    recipes: tuple[str, ...],
    batches: tuple[int, ...],
    words: int,
    frames: int,
    dim: int,
    rounds: int,
    longest: int,
    device: str,
    out: str | None,
) -> None:
    """Time a training step behind the encoders, and measure its memory, in every form and dropout.

    A step is forward, loss, backward and update, without stages. Peak memory is that of tensors, gradients
    included, beside features, weights and the optimizer's state. A step that would not fit the memory that is
    left, or would take too long, is not run; its memory is computed from that of a smaller batch, and marked
    so. Tiles (training.score_memory) are listed where a batch needs them. On the CPU, measure
    with one thread (OMP_NUM_THREADS=1): another thread's tensors are not counted.
    """
    if out is not None:
        refuse_unwritable(Path(out), "output")
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")
    import torch

    from .gallery import Gallery
    from .training import measure_training
    from .training_table import HEADER, line, record

    click.echo(f"W {words}, F {frames}, D {dim}; torch {torch.__version__}, {device}, {rounds} rounds\n")
    click.echo(HEADER)
    steps = []
    gallery = Gallery(1, 1, words, frames, dim)
    for step in measure_training(recipes, batches, gallery, device, rounds, longest):
        click.echo(line(step))
        steps.append(record(step))
    if out is not None:
        about = {"schema_version": SCHEMA_VERSION, "torch": torch.__version__, "device": device}
        shape = {"words": words, "frames": frames, "dim": dim, "threads": torch.get_num_threads()}
        Path(out).write_text(json.dumps({**about, **shape, "steps": steps}, indent=2) + "\n", "utf-8")

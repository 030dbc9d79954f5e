"""``tcmgc bench scoring``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcmgc.files.output import refuse_unwritable

from .size_option import size

if TYPE_CHECKING:
    from .scoring import Cost

SCHEMA_VERSION = 1


@click.command()
@size("--texts", 512, "T.")
@size("--videos", 512, "V.")
@size("--words", 32, "W, token positions a text.")
@size("--frames", 12, "F, frames a video.")
@size("--dim", 512, "D, the joint width.")
@click.option("--keep-rate", type=click.FloatRange(0, 1, min_open=True), default=0.1, show_default=True)
@size("--rounds", 5, "Alternating runs, after one that is not counted.")
@size("--blocks", 4, "64 x 64 blocks a round of what makes all vectors.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu", show_default=True)
@click.option("--json", "out", metavar="FILE", help="Write every measurement too.")
def scoring(
    texts: int,
    videos: int,
    words: int,
    frames: int,
    dim: int,
    keep_rate: float,
    rounds: int,
    blocks: int,
    device: str,
    out: str | None,
) -> None:
    """Time TC-MGC's scores beside the published formulation and X-CLIP, on the same features.

    Runs alternate in one process; ratios are medians over rounds of the ratios within a round. Peak memory
    is that of tensors, beside features, weights and scores. On a CUDA device everything is timed with TF32
    and without, errors are those from float64, and the floor is the time of the factored form's products.
    """
    if out is not None:
        refuse_unwritable(Path(out), "output")
    os.environ.setdefault("KINETO_LOG_LEVEL", "5")  # the profiler, which counts memory, says what it misses
    import torch

    from .gallery import Gallery
    from .scoring import Setting, measure_scoring

    gallery = Gallery(texts, videos, words, frames, dim)
    if device == "cuda":
        from .gpu_command import gpu_scoring

        gpu_scoring(Setting(gallery, keep_rate, rounds, blocks, device), out)
        return
    costs = measure_scoring(Setting(gallery, keep_rate, rounds, blocks, device))
    threads = torch.get_num_threads()
    click.echo(f"{texts} texts x {videos} videos, W {words}, F {frames}, D {dim}, keep rate {keep_rate}")
    click.echo(f"torch {torch.__version__}, {device}, {threads} threads, {rounds} rounds\n")
    click.echo(_table(costs))
    if out is not None:
        found = {name: vars(cost) for name, cost in costs.items()}
        about = {"schema_version": SCHEMA_VERSION, "torch": torch.__version__, "device": device}
        Path(out).write_text(
            json.dumps({**about, "threads": threads, "costs": found}, indent=2) + "\n", "utf-8"
        )


def _table(costs: dict[str, Cost]) -> str:
    from tabulate import tabulate

    from .scoring import COMPILED, PUBLISHED, XCLIP, ratio

    rows = []
    for name, cost in costs.items():
        difference = (
            "" if cost.difference is None else f"{cost.difference[0]:.1e} of {cost.difference[1]:.1f}"
        )
        rows.append(
            {
                "": name,
                "us a pair": f"{cost.microseconds:.1f}",
                "times faster than published": f"{ratio(costs, PUBLISHED, name):.1f}",
                "times xclip's": f"{ratio(costs, name, XCLIP + COMPILED * name.endswith(COMPILED)):.2f}",
                "peak MB": f"{cost.peak_bytes / 2**20:.1f}",
                "of published": f"1/{costs[PUBLISHED].peak_bytes / cost.peak_bytes:.0f}",
                "largest difference": difference,
                "compiled in": "" if cost.compile_seconds is None else f"{cost.compile_seconds:.0f} s",
            }
        )
    return tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)

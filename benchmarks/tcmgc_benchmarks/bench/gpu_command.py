"""The part of ``tcmgc bench scoring`` that is for a CUDA device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
import torch

from .gpu_scoring import measure_gpu_scoring
from .gpu_table import record, table

if TYPE_CHECKING:
    from .scoring import Setting


def gpu_scoring(setting: Setting, out: str | None) -> None:
    """Measure, print a table, and write it to a JSON file where there is one."""
    costs = measure_gpu_scoring(setting)
    gallery = setting.gallery
    device = torch.cuda.get_device_name() if setting.device == "cuda" else setting.device
    shape = f"W {gallery.words}, F {gallery.frames}, D {gallery.dim}, keep rate {setting.keep_rate}"
    click.echo(f"{gallery.texts} texts x {gallery.videos} videos, {shape}")
    click.echo(f"torch {torch.__version__}, {device}, {setting.rounds} rounds\n")
    click.echo(table(costs))
    if out is not None:
        about = {"schema_version": 1, "torch": torch.__version__, "device": device}
        shape_of = {**vars(gallery), "keep_rate": setting.keep_rate}
        Path(out).write_text(json.dumps({**about, **shape_of, **record(costs)}, indent=2) + "\n", "utf-8")

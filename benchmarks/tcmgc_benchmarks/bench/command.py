"""``tcmgc bench``: how fast things are on this machine, and what they cost."""

from __future__ import annotations

import click

from .coarse_command import coarse
from .cost.command import cost
from .data_command import data
from .scoring_command import scoring
from .search_command import search
from .training_command import training


@click.group()
def bench() -> None:
    """Measure how fast things are on this machine, and what they cost."""


for command in (scoring, cost, training, search, coarse, data):
    bench.add_command(command)

"""``tcmgc metrics``: every registered metric of a similarity matrix from anywhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from tcmgc.app import current_registry
from tcmgc.cli.console import say_warning
from tcmgc.cli.main import plugin_option
from tcmgc.evaluation import metrics as evaluate
from tcmgc.files.caption_groups_file import load_groups
from tcmgc.files.similarity_file import load_similarity
from tcmgc.ranking import V2TRule
from tcmgc.slots.metric import Ties

from .metrics_table import csv_table, ordered_names, rich_table, summary, text_table

if TYPE_CHECKING:
    from tcmgc.evaluation import DirectionMetrics

SCHEMA_VERSION = 1
TIE_WARNING = 0.1
"""Points, or ranks, between optimistic and expected value above which ties are worth a warning."""


@click.command()
@plugin_option
@click.argument("similarity", type=click.Path(path_type=Path), metavar="SIM.npy|SIM.safetensors")
@click.option(
    "--groups",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The video of each text (.json, .txt or .npy): columns, or caption counts of the videos. "
    "Left out, row i belongs to column i.",
)
@click.option("--key", metavar="NAME", help="The tensor to read from a .safetensors file.")
@click.option(
    "--ties",
    type=click.Choice(get_args(Ties)),
    default="expected",
    show_default=True,
    help="How equal scores are ordered; expected is the mean over all orders.",
)
@click.option(
    "--v2t-rule",
    type=click.Choice(get_args(V2TRule)),
    default="caption-group",
    show_default=True,
    help="What a video with several captions searches: groups scored by their best caption, or captions.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "markdown", "csv", "json"]),
    default="table",
    show_default=True,
    help="What to print.",
)
@click.option("--json", "style", flag_value="json", help="Short for --format json.")
def metrics(
    similarity: Path, groups: Path | None, key: str | None, ties: Ties, v2t_rule: V2TRule, style: str
) -> None:
    """Compute retrieval metrics of a similarity matrix: a row for each text, a column for each video."""
    similarity_TV = load_similarity(similarity, key)
    texts, videos = similarity_TV.shape
    result = evaluate(
        similarity_TV,
        None if groups is None else load_groups(groups, texts, videos),
        measures=current_registry().create_all("metric"),
        ties=ties,
        v2t_rule=v2t_rule,
    )
    for direction, found in result.items():
        _warn_of_ties(direction, found)
    if style == "json":
        head = {"schema_version": SCHEMA_VERSION, "texts": texts, "videos": videos}
        click.echo(json.dumps(head | {"ties": ties, "v2t_rule": v2t_rule} | result, indent=2))
    elif style == "csv":
        click.echo(csv_table(result))
    elif style == "markdown":
        click.echo(text_table(result, "github"))
    else:
        _show(result)


def _warn_of_ties(direction: str, found: DirectionMetrics) -> None:
    optimistic, expected = found["optimistic"], found["expected"]
    for name in ordered_names(found):
        if abs(optimistic[name] - expected[name]) > TIE_WARNING:
            tied, queries = found["tied_queries"], found["queries"]
            say_warning(
                f"{direction}: {tied} of {queries} queries score a wrong item like a right one; {name} is "
                f"{expected[name]:.2f} in expectation and {optimistic[name]:.2f} with every such tie won. "
                "The matrix may be degenerate: equal embeddings, saturated scores or low precision"
            )
            return


def _show(result: dict[str, DirectionMetrics]) -> None:
    from rich.console import Console

    console = Console()
    if console.is_terminal:
        console.print(rich_table(result))
        click.echo(summary(result))
    else:
        click.echo(text_table(result, "simple"))

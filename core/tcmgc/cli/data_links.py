"""``tcmgc data links``: where data sets are obtained."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError

from .main import plugin_option

if TYPE_CHECKING:
    from tcmgc.data.source import Source


@click.command()
@plugin_option
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def links(name: str | None, as_json: bool) -> None:
    """Say where each part of the data set NAME, or of all, is obtained, and what is known to be gone."""
    from tabulate import tabulate

    found = _sources(name)
    if as_json:
        import json

        content = {dataset: [asdict(source) for source in sources] for dataset, sources in found.items()}
        click.echo(json.dumps({"schema_version": 1, "datasets": content}, indent=1))
        return
    rows = [
        {"dataset": dataset, **asdict(source)} for dataset, sources in found.items() for source in sources
    ]
    click.echo(tabulate(rows, headers="keys", tablefmt="grid", maxcolwidths=[None, 28, 32, 18, 18, 24]))


def _sources(name: str | None) -> dict[str, tuple[Source, ...]]:
    registry = current_registry()
    names = registry.names("dataset") if name is None else [name]
    # Optional, and of the class: no data set is made to ask it.
    found: dict[str, tuple[Source, ...]] = {
        each: sources
        for each in names
        if (sources := getattr(registry.find("dataset", each).component, "sources", ()))
    }
    if name is not None and not found:
        raise ConfigError(
            f"data set {name!r}", found="no sources", expected="a data set whose files come from elsewhere"
        )
    return found

"""``tcmgc data mock``: miniatures of data sets."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError
from tcmgc.recipes.overrides import parse_override

from .console import progress_bar
from .data_setup import protocols_of, settings_of
from .main import plugin_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tcmgc.slots.dataset import Dataset


@click.command()
@plugin_option
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--videos", type=click.IntRange(1, 10_000), default=24, show_default=True, help="How many, in all."
)
@click.option("--root", required=True, metavar="DIR", help="The folder to write; empty, or not there.")
@click.option("--annotations", metavar="DIR", help="The true annotation files, whose captions are taken.")
def mock(name: str, settings: tuple[str, ...], videos: int, root: str, annotations: str | None) -> None:
    """Write a miniature of the data set NAME: its layout and file names, with generated videos.

    It says which commands can be tried on it. A file that says so lies in the folder, and the data set's
    version is another one.
    """
    from tcmgc.component_config import component_config
    from tcmgc.slots.dataset import Miniaturized

    registry = current_registry()
    config = component_config("dataset", name, settings, registry)
    if annotations is not None:
        if "annotations" not in config:
            raise ConfigError("--annotations", found=f"data set {name!r}, which takes none")
        config["annotations"] = annotations
    dataset: Dataset = registry.create("dataset", config, {}, f"dataset {name}")
    if not isinstance(dataset, Miniaturized):
        raise ConfigError(
            f"data set {name!r}",
            found="no miniature of it",
            expected="a data set whose files come from elsewhere",
            hint=f"tcmgc data prepare {name} makes or verifies its files",
        )
    with progress_bar("writing", "videos") as progress:
        dataset.write_miniature(Path(root), videos, progress)
    click.echo(f"{root}: a miniature of {name}, {videos} videos; to be tried on it:")
    for command in _next_commands(name, settings, root, dataset.miniature_run):
        click.echo(f"  {shlex.join(['tcmgc', *command])}")


def _next_commands(
    name: str, settings: Sequence[str], root: str, recipe: Sequence[str]
) -> Iterator[list[str]]:
    """Say what can be done with a miniature: the words of each command."""
    kept = [text.removeprefix("dataset.") for text in settings]
    kept = [text for text in kept if parse_override(text).path[0] not in ("root", "annotations")]
    _, decoded = settings_of(recipe)
    yield ["data", "prepare", name, *kept, "--root", root, *decoded]
    yield ["data", "check", name, *kept, "--root", root]
    yield ["data", "show", name, *kept, "--root", root, "--out", f"{name}.html"]
    yield [
        "run",
        recipe[0],
        *_protocol(name),
        _setting("dataset.root", root),
        *(f"dataset.{text}" for text in kept),
        *recipe[1:],
        "--out",
        f"runs/{name}",
    ]


def _setting(key: str, text: str) -> str:
    """Write an override whose value is a text, quoted where it would be read as something else."""
    try:
        plain = parse_override(f"{key}={text}").value.value == text
    except ConfigError:
        plain = False
    return f"{key}={text if plain else json.dumps(text)}"


def _protocol(dataset: str) -> list[str]:
    """Name the first protocol of a data set; or the data set only."""
    found = protocols_of(dataset, current_registry())
    return ["--protocol", found[0]] if found else [f"dataset.name={dataset}"]

"""``tcmgc data mock``: miniatures of data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError

from .console import progress_bar
from .main import plugin_option

if TYPE_CHECKING:
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

    Every other command can be tried on it: tcmgc run tcmgc dataset.name=NAME dataset.root=DIR --out runs.
    A file that says so lies in the folder, and the data set's version is another one.
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
    click.echo(f"{root}: a miniature of {name}, {videos} videos")

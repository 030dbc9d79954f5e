"""``tcmgc data``: data sets, their files and what is cached of them."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcmgc.app import current_registry
from tcmgc.errors import DataError

from .console import progress_bar
from .data_cache import cache
from .data_check import check
from .data_links import links
from .data_mock import mock
from .data_prepare import prepare
from .data_setup import SPLITS, all_readers, dataset_arguments, prepared
from .main import plugin_option

if TYPE_CHECKING:
    from tcmgc.data.clip import SplitName


@click.group()
def data() -> None:
    """Make, check and look at data sets; list and prune the cache."""


for command in (cache, check, links, mock, prepare):
    data.add_command(command)


@data.command("list")
@plugin_option
def list_datasets() -> None:
    """List the registered data sets."""
    from tabulate import tabulate

    registry = current_registry()
    rows = []
    for name in registry.names("dataset"):
        entry = registry.find("dataset", name)
        said = (inspect.getdoc(entry.component) or "").split("\n\n", maxsplit=1)[0].replace("\n", " ")
        rows.append({"dataset": name, "": said, "plugin": entry.origin.plugin})
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", maxcolwidths=[None, 70, None]))


@data.command()
@plugin_option
@dataset_arguments
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True)
@click.option("--clips", type=click.IntRange(1, 200), default=8, show_default=True, help="How many.")
@click.option("--out", required=True, metavar="FILE", help="A file *.html or *.png.")
def show(
    name: str, settings: tuple[str, ...], root: str | None, split: SplitName, clips: int, out: str
) -> None:
    """Show clips of the data set NAME with their captions on a contact sheet.

    The clips are spread evenly over the split.
    """
    from tcmgc.files.disk import writing
    from tcmgc.files.output import refuse_unwritable

    path = Path(out)
    if path.suffix.lower() not in (".html", ".png"):
        raise DataError(f"output {out}", found=f"the ending {path.suffix!r}", expected=".html or .png")
    refuse_unwritable(path, "output")
    found = prepared(name, settings, root).split(split)
    from tcmgc.data.contact_sheet import sheet_clips

    with progress_bar("reading", "clips") as progress:
        rows = sheet_clips(found, all_readers(), clips=clips, progress=progress)
    title = f"{name} {' '.join(settings)}".strip() + f": {len(rows)} of {len(found.clips)} clips of {split}"
    with writing("output", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".png":
            from tcmgc.data.sheet_png import sheet_png

            sheet_png(title, rows).save(path)
        else:
            from tcmgc.data.sheet_html import sheet_html

            path.write_text(sheet_html(title, rows), encoding="utf-8")
    click.echo(f"{out}: {len(rows)} clips of {name}, {split}")

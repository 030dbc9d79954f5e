"""``tcmgc data``: data sets, their files and what is cached of them."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tcmgc.app import current_registry
from tcmgc.errors import DataError

from .console import progress_bar, say_note
from .data_links import links
from .data_mock import mock
from .main import plugin_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcmgc.data.clip import Split, SplitName
    from tcmgc.slots.dataset import Dataset
    from tcmgc.slots.reader import Reader

SPLITS: tuple[SplitName, ...] = ("train", "val", "test")


@click.group()
def data() -> None:
    """Make, check and look at data sets; list and clear the cache."""


data.add_command(links)
data.add_command(mock)


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
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--probe/--no-probe", default=True, help="Open every video and add up the seconds.")
def prepare(name: str, settings: tuple[str, ...], probe: bool) -> None:
    """Make or verify the files of the data set NAME.

    What it takes, it takes after its name: tcmgc data prepare storyshapes size=mini
    """
    from tabulate import tabulate

    from tcmgc.slots.dataset import Noted

    dataset = _prepared(name, settings)
    readers = _readers() if probe else []
    rows: list[dict[str, Any]] = []
    unreadable: list[DataError] = []
    for split_name in SPLITS:
        split = dataset.split(split_name)
        clips, expected = len(split.clips), split.expected_clips
        row: dict[str, Any] = {"split": split_name}
        row["clips"] = f"{clips:,}" if clips == expected else f"{clips:,} of {expected:,}"
        row["captions"] = f"{len(split.captions):,}"
        if probe:
            with progress_bar(f"opening {split_name}", "clips") as progress:
                row["seconds"] = f"{_seconds(split, readers, unreadable, progress):,.1f}"
        row["path"] = os.path.commonpath([str(clip.path.parent) for clip in split.clips])
        rows.append(row)
    align = ["right" if key in ("clips", "captions", "seconds") else "left" for key in rows[0]]
    click.echo(f"{name}: version {dataset.version}")
    for note in dataset.notes if isinstance(dataset, Noted) else ():
        click.echo(f"- {note}")
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True, colalign=align))
    if unreadable:
        first = unreadable[0]
        said = f"{first.found}; {len(unreadable)} of all clips are unreadable"
        raise DataError(first.where, found=said, expected=first.expected, hint=first.hint)


@data.command()
@plugin_option
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--split", type=click.Choice(SPLITS), default="test", show_default=True)
@click.option("--clips", type=click.IntRange(1, 200), default=8, show_default=True, help="How many.")
@click.option("--out", required=True, metavar="FILE", help="A file *.html or *.png.")
def show(name: str, settings: tuple[str, ...], split: SplitName, clips: int, out: str) -> None:
    """Show clips of the data set NAME with their captions on a contact sheet.

    The clips are spread evenly over the split.
    """
    from tcmgc.files.disk import writing
    from tcmgc.files.output import refuse_unwritable

    path = Path(out)
    if path.suffix.lower() not in (".html", ".png"):
        raise DataError(f"output {out}", found=f"the ending {path.suffix!r}", expected=".html or .png")
    refuse_unwritable(path, "output")
    found = _prepared(name, settings).split(split)
    from tcmgc.data.contact_sheet import sheet_clips

    with progress_bar("reading", "clips") as progress:
        rows = sheet_clips(found, _readers(), clips=clips, progress=progress)
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


@data.command()
@click.argument("kinds", nargs=-1, metavar="[KIND]...")
@click.option("--clear", is_flag=True, help="Remove what is listed; it can be made again.")
def cache(kinds: tuple[str, ...], clear: bool) -> None:
    """List the cache, all of it or the KINDs given: datasets, frames, features, weights."""
    from tabulate import tabulate

    from tcmgc.data.cache_folder import cache_folder, cached_kinds, clear_kind

    found = cached_kinds(kinds)
    rows = [
        {
            "kind": kind.name,
            "what": kind.what,
            "entries": kind.entries,
            "MB": f"{kind.size / 1e6:,.1f}",
            "path": kind.path,
        }
        for kind in found
    ]
    if rows:
        align = ("left", "left", "right", "right", "left")
        click.echo(tabulate(rows, headers="keys", tablefmt="simple", colalign=align, disable_numparse=True))
    else:
        say_note(f"nothing is cached in {cache_folder()}")
    if clear:
        for kind in found:
            clear_kind(kind)
        click.echo(f"removed: {sum(kind.size for kind in found) / 1e6:,.1f} MB")


def _prepared(name: str, settings: Sequence[str]) -> Dataset:
    """Make a data set and its files."""
    from tcmgc.component_config import make_component

    dataset: Dataset = make_component("dataset", name, settings, current_registry())
    with progress_bar("preparing", "clips") as progress:
        dataset.prepare(progress)
    return dataset


def _readers() -> list[Reader]:
    """All readers, in the order of their names."""
    return list(current_registry().create_all("reader").values())


def _seconds(
    split: Split,
    readers: Sequence[Reader],
    unreadable: list[DataError],
    progress: Callable[[int, int], None],
) -> float:
    """Open every clip of a split and add up its seconds; what cannot be opened is appended."""
    from tcmgc.data.probe import clip_seconds

    total = 0.0
    for done, clip in enumerate(split.clips, start=1):
        try:
            total += clip_seconds(clip, readers)
        except DataError as error:
            unreadable.append(error)
        progress(done, len(split.clips))
    return total

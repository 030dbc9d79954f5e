"""``tcmgc index``: videos encoded once, for ``tcmgc search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tcmgc.errors import ConfigError

from .console import progress_bar, say_note, say_warning, warnings_said
from .main import plugin_option
from .options import set_option
from .search_display import counted

if TYPE_CHECKING:
    from tcmgc.search.build_index import IndexResult
    from tcmgc.search.index_folder import IndexFolder

MOST_SAID = 20
"""Unreadable videos that are listed; all are in the journal."""


@click.command()
@click.option("--out", metavar="DIR", help="Folder of the index; videos are added to one that is there.")
@click.option("--model", metavar="DIR", help="A run's folder, or what `tcmgc import` wrote.")
@click.option("--videos", metavar="DIR", help="A folder of video files, those of folders below included.")
@click.option("--dataset", metavar="NAME", help="In place of the model's own data set.")
@click.option(
    "--split",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="Of the data set.",
)
@set_option("Override a dotted key, as dataset.size=mini or sampler.frames=24; may be repeated.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float16"]), help="Of what is kept; float32 for a new index."
)
@click.option(
    "--coarse-vectors", type=click.IntRange(1, 64), metavar="M", help="A video, for the coarse search; 4."
)
@click.option(
    "--coarse",
    type=click.Choice(["auto", "faiss", "matrix"]),
    default="auto",
    show_default=True,
    help="Whether FAISS's lists are written; auto does for large indexes where FAISS is installed.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ...")
@click.option("--check", metavar="DIR", help="Look through an index, every byte of it, and do nothing else.")
@plugin_option
def index(out: str | None, check: str | None, **options: Any) -> None:
    """Encode the videos of a folder, or of a data set's split, once, for `tcmgc search`.

    Videos that are in the index already are not encoded again, and an interrupted one goes on: give the same
    command again. A video that cannot be read is left out, and listed with the reason.
    """
    if check is not None:
        _check(Path(check))
        return
    if out is None:
        raise ConfigError("tcmgc index", found="no --out", expected="--out DIR, a folder for the index")
    if options["videos"] is not None and options["dataset"] is not None:
        raise ConfigError("tcmgc index", found="--dataset beside --videos", expected="either")
    from tcmgc.files.output import refuse_unwritable_folder

    refuse_unwritable_folder(Path(out), "index")
    swap = [] if options["dataset"] is None else [f"dataset={options['dataset']}"]
    with warnings_said():
        from tcmgc.api_search import index_videos

        with progress_bar("indexing", "steps") as progress:
            result = index_videos(
                out,
                model=options["model"],
                videos=options["videos"],
                split=options["split"],
                overrides=[*swap, *options["overrides"]],
                dtype=options["dtype"],
                coarse=options["coarse_vectors"],
                lists=options["coarse"],
                device=options["device"],
                progress=progress,
                preparing=lambda what, total: say_note(f"{what}: {total} clips"),
            )
    _say(result)


def _say(result: IndexResult) -> None:
    from tabulate import tabulate

    contents = result.index.contents
    if result.others:
        say_note(f"passed over: {counted(result.others, 'file')} without a video's ending")
    failed = [contents.failed[name] for name in result.failed]
    if failed:
        say_warning(f"{counted(len(failed), 'video')} cannot be read; the next `tcmgc index` tries again")
        rows = [(video.id, video.reason) for video in failed[:MOST_SAID]]
        if len(failed) > MOST_SAID:
            rows.append((f"and {len(failed) - MOST_SAID} more", ""))
        click.echo(tabulate(rows, headers=["unreadable", "reason"], tablefmt="simple", maxcolwidths=[40, 70]))
    seconds = [block.seconds for block in contents.blocks]
    click.echo(f"{result.added} added, {result.there} there before, {len(failed)} unreadable")
    _say_index(result.index)
    if result.added:
        videos = sum(len(block.videos) for block in contents.blocks)
        steps = {
            name: 1000 * sum(getattr(each, name) for each in seconds) / videos
            for name in type(seconds[0]).model_fields
        }
        told = ", ".join(f"{name} {milliseconds:.2f}" for name, milliseconds in steps.items())
        click.echo(f"ms a video, all so far: {told}")


def _say_index(index: IndexFolder) -> None:
    videos, each = counted(len(index.live), "video"), index.bytes_of_a_video
    model, about = index.about.model, index.about
    click.echo(
        f"{index.path}: {videos}, {each:,} bytes a video, {each * index.rows / 1e6:,.1f} MB, "
        f"{about.dtype}, recipe {model.recipe}"
    )


def _check(folder: Path) -> None:
    from tcmgc.search.check_index import check_index

    with progress_bar("checking", "videos") as progress:
        found = check_index(folder, progress)
    _say_index(found.index)
    for what, names in (
        ("not there any more", found.moved),
        ("of another size or time than before", found.changed),
    ):
        if names:
            more = f", and {len(names) - 3} more" if len(names) > 3 else ""
            say_warning(f"{counted(len(names), 'video file')} {what}: {', '.join(names[:3])}{more}")
    failed = counted(len(found.index.contents.failed), "video")
    click.echo(f"every byte is as it was written; {failed} could not be read")

"""``tcmgc bench data``."""

from __future__ import annotations

from pathlib import Path

import click

from tcmgc.app import current_registry
from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.errors import DataError

from .data import Form, Speed, forms, memory, readable, speed
from .tasks import DecodeOnly, PlainDecord

MOST_FRAMES = 2000
"""Frames that the forms of a cache are measured with."""


@click.command()
@click.option("--videos", required=True, metavar="DIR", help="A folder of video files.")
@click.option("--reader", default="pyav", show_default=True, help="The reader to measure.")
@click.option("--sampler", default="fps-then-uniform", show_default=True, help="Which frames it reads.")
@click.option("--size", type=click.IntRange(1), default=224, show_default=True, help="Pixels a side.")
@click.option("--processes", type=click.IntRange(0), default=1, show_default=True, help="Workers; 0: none.")
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Medians are of these.")
@click.option(
    "--memory", "many", type=click.IntRange(0), default=0, metavar="VIDEOS", help="A worker's memory."
)
def data(videos: str, reader: str, sampler: str, size: int, processes: int, repeats: int, many: int) -> None:
    """Time decoding against decord's plain loop, and cached frames against decoding.

    Only files that both read are decoded. The plain loop fills in frames that are missing, and seeks.
    """
    registry = current_registry()
    decoding = Decoding(
        registry.create("reader", {"name": reader}, {}),
        registry.create("sampler", {"name": sampler, "frames": 12}, {}),
        size,
    )
    folder = Path(videos)
    if not folder.is_dir():
        raise DataError(f"--videos {videos}", found="no such folder", expected="a folder of video files")
    clips = [Clip(path.name, path) for path in sorted(folder.iterdir()) if path.is_file()]
    clips = readable(DecodeOnly(decoding), clips)
    both = readable(PlainDecord(decoding.sampler, size), clips)
    if not both:
        raise DataError(f"--videos {videos}", found="no video that both readers read", expected="some")
    measured = speed(decoding, both, processes, repeats)
    _say_speed(measured, reader)
    frames = [frame for clip in clips for frame in decoding(clip)[0]][:MOST_FRAMES]
    _say_forms(forms(frames, repeats), measured.frames / measured.decode)
    if many:
        _say_memory(memory(decoding, clips, many))


def _say_memory(sizes: list[int]) -> None:
    """Say the most of the first fifth and of the last: it varies with the file."""
    fifth = max(1, len(sizes) // 5)
    first, last = max(sizes[:fifth]), max(sizes[-fifth:])
    click.echo(
        f"memory of a worker over {len(sizes)} videos: at most {first / 1e6:.0f} MB in the first {fifth}, "
        f"{last / 1e6:.0f} MB in the last {fifth}"
    )


def _say_speed(found: Speed, reader: str) -> None:
    from tabulate import tabulate  # for the terminal only

    rows = [
        (f"decoding, {reader}", found.decode),
        ("decord's plain loop", found.plain),
        ("writing and checksums", found.write),
        ("SHA-256 of the files", found.hash),
    ]
    table = [(name, f"{s:.2f}", f"{found.videos / s:,.1f}" if s else "") for name, s in rows]
    click.echo(f"{found.videos} videos, {found.frames} frames, {found.processes} processes")
    click.echo(
        tabulate(
            table, ["", "seconds", "videos/s"], disable_numparse=True, colalign=("left", "right", "right")
        )
    )
    if found.processes:
        click.echo(f"starting the workers, not counted above: {found.start:.2f} s")
    click.echo(f"decoding at {found.ratio:.2f} of the plain loop's speed")


def _say_forms(found: list[Form], decoded: float) -> None:
    from tabulate import tabulate

    rows = [
        (
            form.name,
            f"{form.frame_bytes / 1e3:,.1f}",
            f"{form.read:,.0f}",
            f"{form.read / decoded:,.1f}",
            f"{form.written:,.0f}",
            f"{form.error:.2f}",
        )
        for form in found
    ]
    heads = ["cached as", "kB a frame", "read/s", "times decoding", "written/s", "error"]
    click.echo(tabulate(rows, heads, disable_numparse=True, colalign=("left", *["right"] * 5)))

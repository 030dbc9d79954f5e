"""``tcmgc data cache``: what is cached, whether it is whole, and making space."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from tcmgc.app import current_registry
from tcmgc.errors import ConfigError

from .console import progress_bar, say_note
from .main import plugin_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.data.cache_entries import CacheEntry

DAY = 24 * 3600.0
GB = 1e9
kinds_argument = click.argument("kinds", nargs=-1, metavar="[KIND]...")


@click.group(invoke_without_command=True)
@click.pass_context
def cache(context: click.Context) -> None:
    """List, verify and prune the cache: datasets, frames, features, weights."""
    if context.invoked_subcommand is None:
        context.invoke(list_entries, kinds=(), entries=False)


@cache.command("ls")
@kinds_argument
@click.option("--entries", is_flag=True, help="Every entry, the least recently used first.")
def list_entries(kinds: tuple[str, ...], entries: bool) -> None:
    """List the cache, all of it or the KINDs given."""
    from tabulate import tabulate

    from tcmgc.data.cache_entries import cache_entries
    from tcmgc.data.cache_folder import cache_folder

    found = cache_entries(kinds)
    if not found:
        say_note(f"nothing is cached in {cache_folder()}")
        return
    rows = [_row(entry) for entry in found] if entries else _rows(found)
    align = ["right" if key in ("entries", "MB") else "left" for key in rows[0]]
    click.echo(tabulate(rows, headers="keys", tablefmt="simple", colalign=align, disable_numparse=True))


@cache.command()
def verify() -> None:
    """Read all cached frames and compare them with their checksums; exits with 1 where some are damaged.

    Damaged frames are made again when they are asked for, and so are features, which bear a digest.
    """
    from tcmgc.data.cache_entries import cache_entries
    from tcmgc.data.frame_cache import Damaged, read_frames

    whole, damaged = 0, []
    found = [entry for entry in cache_entries(["frames"]) if entry.finished]
    with progress_bar("verifying", "folders") as progress:
        for done, entry in enumerate(found, start=1):
            try:
                read_frames(entry.path)
            except Damaged as damage:
                damaged.append(f"{entry.path}: {damage}")
            else:
                whole += 1
            progress(done, len(found))
    for each in damaged:
        click.echo(f"- {each}")
    click.echo(f"frames: {whole} folders are whole, {len(damaged)} are damaged")
    if damaged:
        click.get_current_context().exit(1)


@cache.command()
@plugin_option
@kinds_argument
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Not used since then.")
@click.option("--keep", type=click.FloatRange(min=0), metavar="GB", help="What was used last, up to so much.")
@click.option("--unused", is_flag=True, help="Frames that no reader of this version gives any more.")
@click.option("--unfinished", is_flag=True, help="Frames of killed runs, which could go on from them.")
@click.option("--all", "everything", is_flag=True, help="All of the KINDs, or of the cache.")
@click.option("--dry-run", is_flag=True, help="Remove nothing.")
def prune(
    kinds: tuple[str, ...],
    older_than: float | None,
    keep: float | None,
    unused: bool,
    unfinished: bool,
    everything: bool,
    dry_run: bool,
) -> None:
    """Remove what can be made again, of all KINDs or of those given; the options add up.

    Frames count as used whenever they are read; what is of another kind is as old as it was made.
    """
    from tabulate import tabulate

    from tcmgc.data.cache_entries import cache_entries, remove_entry
    from tcmgc.data.frame_unused import is_unused

    if older_than is None and keep is None and not (unused or unfinished or everything):
        raise ConfigError(
            "tcmgc data cache prune",
            found="nothing that says what to remove",
            expected="--older-than, --keep, --unused, --unfinished or --all",
        )
    found = cache_entries(kinds)
    kept = _newest(found, keep)
    chosen = [
        entry
        for entry in found
        if everything
        or (older_than is not None and entry.used < time.time() - older_than * DAY)
        or entry not in kept
        or (unfinished and not entry.finished)
        or (unused and entry.kind == "frames" and is_unused(entry.path, current_registry()))
    ]
    if chosen:
        rows = [_row(entry) for entry in chosen]
        align = ["right" if key == "MB" else "left" for key in rows[0]]
        click.echo(tabulate(rows, headers="keys", tablefmt="simple", colalign=align, disable_numparse=True))
    stay = [] if dry_run else [entry for entry in chosen if not remove_entry(entry)]
    for entry in stay:
        say_note(f"{entry.path} stays: a process is at work on it")
    size = sum(entry.size for entry in chosen if entry not in stay)
    click.echo(f"{'would be removed' if dry_run else 'removed'}: {size / 1e6:,.1f} MB")


def _newest(entries: Sequence[CacheEntry], keep: float | None) -> Sequence[CacheEntry]:
    """Return the entries that were used last, up to a size in GB; all where there is no limit."""
    if keep is None:
        return entries
    found, size = [], 0
    for entry in reversed(entries):
        size += entry.size
        if size > keep * GB:
            break
        found.append(entry)
    return found


def _rows(entries: Sequence[CacheEntry]) -> list[dict[str, Any]]:
    from tcmgc.data.cache_folder import KINDS, cache_folder

    rows = []
    for kind, what in KINDS.items():
        if of_kind := [entry for entry in entries if entry.kind == kind]:
            rows.append(
                {
                    "kind": kind,
                    "what": what,
                    "entries": str(len(of_kind)),
                    "MB": f"{sum(entry.size for entry in of_kind) / 1e6:,.1f}",
                    "path": cache_folder() / kind,
                }
            )
    return rows


def _row(entry: CacheEntry) -> dict[str, Any]:
    used = datetime.fromtimestamp(entry.used, UTC).isoformat(sep=" ", timespec="minutes")
    return {
        "kind": entry.kind,
        "entry": entry.path.name,
        "MB": f"{entry.size / 1e6:,.1f}",
        "used": used.removesuffix("+00:00") + " UTC",
        "": "" if entry.finished else "unfinished",
    }

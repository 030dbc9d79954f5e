"""Costs as tables: for a terminal, and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tabulate import tabulate

from tcmgc.readable import count, short_time, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tcmgc import Sizes

    from .measure import Cost

GUESSED = "~"
"""Begins a number that is extrapolated."""
STYLES = {"terminal": "simple", "markdown": "github"}


def cost_tables(costs: Sequence[Cost], style: Literal["terminal", "markdown"]) -> str:
    """Write, for all that has the same sizes, what it computes and keeps, how long it takes, and notes.

    Parameters
    ----------
    costs
        In the order of the rows.
    style
        Of the tables.
    """
    by_sizes: dict[Sizes, list[Cost]] = {}
    for cost in costs:
        by_sizes.setdefault(cost.sizes, []).append(cost)
    parts = []
    for sizes, own in by_sizes.items():
        notes = "\n".join(f"- {note}" for note in cost_notes(own))
        tables = [_table([row(cost) for cost in own], STYLES[style]) for row in (_amounts, _times)]
        parts += [said(sizes), *tables, notes]
    return "\n\n".join(parts)


def said(sizes: Sizes) -> str:
    """Write the sizes in words."""
    patches = f", {sizes.max_patches} patches" if sizes.max_patches else ""
    return f"{sizes.max_words} words, {sizes.max_frames} frames{patches}, width {sizes.dim}"


def cost_notes(costs: Iterable[Cost]) -> list[str]:
    """Say which counts differ from PyTorch's, which times are extrapolated, and which galleries repeat."""
    differing, guessed, repeated = [], [], []
    for cost in costs:
        if cost.flops != cost.torch_flops:
            both = ((vars(cost.flops)[name], vars(cost.torch_flops)[name], name) for name in vars(cost.flops))
            told = [
                f"{theirs:,} instead of {ours:,} a {name}" for ours, theirs, name in both if ours != theirs
            ]
            differing.append(f"{cost.label} ({', '.join(told)})")
        for query in cost.queries:
            if query.scored < query.videos:
                guessed.append(f"{cost.label} at {query.videos:,} (of {query.scored:,})")
            elif query.distinct < query.videos:
                repeated.append(f"{cost.label} at {query.videos:,} ({query.distinct:,} at a time)")
    notes = [
        f"PyTorch counts other FLOPs for {'; '.join(differing)}"
        if differing
        else "PyTorch's counter finds the same FLOPs, to the last one"
    ]
    if guessed:
        notes.append(f"{GUESSED} extrapolated from the videos that were scored in time: {'; '.join(guessed)}")
    if repeated:
        notes.append(f"a part of the gallery was in memory, and read over and over: {'; '.join(repeated)}")
    return notes


def _table(rows: Sequence[dict[str, str]], style: str) -> str:
    align = ("left", *["right"] * (len(rows[0]) - 1))
    return tabulate(rows, headers="keys", tablefmt=style, disable_numparse=True, colalign=align)


def _amounts(cost: Cost) -> dict[str, str]:
    return {
        "": cost.label,
        "parameters": count(cost.parameters),
        "FLOPs/text": count(cost.flops.text),
        "FLOPs/video": count(cost.flops.video),
        "FLOPs/pair": count(cost.flops.pair),
        "index/video": size(cost.index_bytes_per_video),
        "memory": size(cost.memory_bytes),
    }


def _times(cost: Cost) -> dict[str, str]:
    times = {
        "": cost.label,
        "text": short_time(cost.microseconds_per_text),
        "video": short_time(cost.microseconds_per_video),
        "pair": short_time(cost.microseconds_per_pair),
    }
    for query in cost.queries:
        mark = GUESSED if query.scored < query.videos else ""
        times[f"query at {query.videos:,}"] = mark + short_time(query.microseconds)
    return times

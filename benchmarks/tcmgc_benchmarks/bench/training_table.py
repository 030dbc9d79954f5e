"""What `tcmgc bench training` prints and writes, a step a line."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .training import Step

WIDTHS = (12, 6, 13, 9, 6, 9, 8, 15)


def _row(cells: tuple[str, ...]) -> str:
    widths = zip(cells, WIDTHS, strict=False)
    return "  ".join([cell.ljust(width) for cell, width in widths] + [*cells[len(WIDTHS) :]]).rstrip()


HEADER = _row(("recipe", "batch", "dropout", "form", "tiles", "s a step", "CPU s", "peak MB", "KB a pair"))


def line(step: Step) -> str:
    """Tell one step; memory that was not measured says so."""
    way = step.way
    seconds, processor = "not run", ""
    if step.medians is not None:
        seconds, processor = (f"{taken:.2f}" for taken in step.medians)
    peak = pair = "unknown"
    if step.peak_bytes is not None:
        peak = f"{step.peak_bytes / 2**20:.0f}" + ("" if step.source == "measured" else " computed")
        pair = f"{step.peak_bytes / step.batch**2 / 1024:.1f}"
    tiles = "yes" if way.tiles else "no"
    return _row((way.recipe, str(step.batch), way.dropout, way.form, tiles, seconds, processor, peak, pair))


def record(step: Step) -> dict[str, Any]:
    """Return everything of a step as plain values."""
    found = asdict(step)
    return {**found.pop("way"), "dropout": step.way.dropout, **found}

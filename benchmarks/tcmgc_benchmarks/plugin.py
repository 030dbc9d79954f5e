"""Registers the recipes, protocols and suites that ship, and the command `tcmgc bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.hooks import hookimpl

if TYPE_CHECKING:
    from tcmgc.register import Register

FOLDER = Path(__file__).parent


@hookimpl
def tcmgc_register(register: Register) -> None:
    """Register every file of ``recipes/``, ``protocols/`` and ``suites/`` under its stem, and ``bench``."""
    register.recipes(FOLDER / "recipes")
    register.protocols(FOLDER / "protocols")
    register.suites(FOLDER / "suites")
    register.command(
        "bench", "tcmgc_benchmarks.bench.command:bench", help="Measure how fast things are on this machine."
    )

"""Registers the recipes that ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.hooks import hookimpl

if TYPE_CHECKING:
    from tcmgc.register import Register


@hookimpl
def tcmgc_register(register: Register) -> None:
    """Register every file of ``recipes/`` under its stem."""
    register.recipes(Path(__file__).parent / "recipes")

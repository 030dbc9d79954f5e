"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .main import plugin_option

if TYPE_CHECKING:
    from collections.abc import Callable


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add RECIPE, ``--variant``, ``--set`` and ``--plugin``."""
    for decorate in (
        plugin_option,
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Override a dotted key, as granularities.*.reorganizer.keep_rate=0.2; may be repeated.",
        ),
        click.option("--variant", metavar="NAME", help="A variant that the recipe names."),
        click.argument("recipe", metavar="RECIPE"),
    ):
        command = decorate(command)
    return command

"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .main import plugin_option

if TYPE_CHECKING:
    from collections.abc import Callable


VARIANT = click.option("--variant", metavar="NAME", help="A variant that the recipe names.")


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add RECIPE, ``--variant``, ``--set`` and ``--plugin``."""
    return _decorated(
        command,
        click.argument("recipe", metavar="RECIPE"),
        VARIANT,
        set_option("Override a dotted key, as granularities.*.reorganizer.keep_rate=0.2; may be repeated."),
        plugin_option,
    )


def experiment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add KEY=VALUE, ``--protocol``, ``--variant``, ``--set``, ``--device`` and ``--plugin``."""
    return _decorated(
        command,
        click.argument("more", nargs=-1, metavar="[KEY=VALUE]..."),
        click.option(
            "--protocol", metavar="NAME|FILE", help="In place of the recipe's, the run's or the suite's."
        ),
        VARIANT,
        set_option("The same as KEY=VALUE; may be repeated."),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, ..."),
        plugin_option,
    )


def set_option(text: str) -> Callable[..., Any]:
    """Make ``--set``."""
    return click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help=text)


def _decorated(command: Callable[..., Any], *decorators: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in reversed(decorators):
        command = decorate(command)
    return command

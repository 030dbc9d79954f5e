"""Options that count something, which the commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def size(name: str, default: int, text: str) -> Callable[[Any], Any]:
    """Make an option that counts something."""
    return click.option(name, type=click.IntRange(min=1), default=default, show_default=True, help=text)

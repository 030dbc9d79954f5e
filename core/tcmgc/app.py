"""The process's plugins: loaded once, on first use."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .plugins import Plugins

if TYPE_CHECKING:
    from .registry import Registry


@cache
def current_plugins() -> Plugins:
    """Return the process's plugins; the first call loads the installed ones."""
    plugins = Plugins()
    plugins.load_installed()
    return plugins


def current_registry() -> Registry:
    """Return the registry that the process's plugins filled."""
    return current_plugins().registry

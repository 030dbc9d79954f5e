"""Every hook of tcmgc, on one page.

A plugin is a module with functions marked `hookimpl`. It is found through an installed entry point in
the group ``tcmgc``, through ``--plugin path/or/module``, or as ``tcmgc_local.py`` beside the experiment::

    from tcmgc import Register, hookimpl


    @hookimpl
    def tcmgc_register(register: Register) -> None:
        register.aggregator("trimmed-mean", "my_package.trimmed:TrimmedMean")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from pathlib import Path

    from .register import Register

PROJECT = "tcmgc"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def tcmgc_register(register: Register) -> None:
    """Register components, recipes, protocols, suites and commands.

    Called once for each plugin, as soon as it is loaded. ``register`` has one method a slot
    (``register.view(name, target)``, ``register.loss(...)``, ...), ``register.recipes(directory)``,
    ``register.protocols(directory)``, ``register.suites(directory)`` and
    ``register.command(name, target, help=...)``. A target is a class, or a string ``"module:Class"``
    that is imported when the component is first used.
    """


@hookspec
def tcmgc_runs_finished(directory: Path) -> None:
    """Do something with the runs of a directory, as write a report.

    Called by ``tcmgc run`` and `tcmgc.run` once all runs that were asked for are finished or failed.
    ``directory`` is what ``--out`` named; `tcmgc.runs` reads what lies in it.
    """

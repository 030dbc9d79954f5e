"""Registers the commands that report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.hooks import hookimpl

if TYPE_CHECKING:
    from tcmgc.register import Register


@hookimpl
def tcmgc_register(register: Register) -> None:
    """Register `tcmgc metrics`."""
    register.command(
        "metrics",
        "tcmgc_reports.metrics_command:metrics",
        help="Compute retrieval metrics of a similarity matrix from anywhere.",
    )

"""Which finished runs would come out differently today, because source code changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.errors import TcmgcError
from tcmgc.source_hash import component_sha256, engine_sha256

from .identity import ENGINE_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tcmgc.registry import Registry

    from .record import RunRecord
    from .run_folder import FinishedRun


def stale_reasons(record: RunRecord, registry: Registry) -> list[str]:
    """Say why a run is stale; nothing where it is fresh.

    A component whose plugin is not loaded cannot be looked at, and does not make a run stale.

    Parameters
    ----------
    record
        Of a finished run.
    registry
        Of the plugins that are loaded now.
    """
    reasons = []
    for label, recorded in record.identity_parts.sources.items():
        now = _today(label, registry)
        if now is not None and now != recorded:
            reasons.append(f"the source of the {label} changed")
    return reasons


def stale_runs(runs: Iterable[FinishedRun], registry: Registry) -> dict[str, list[str]]:
    """Return the stale ones of some runs: their reasons by the folder's name."""
    found = {run.folder.name: stale_reasons(run.record, registry) for run in runs}
    return {name: reasons for name, reasons in found.items() if reasons}


def _today(label: str, registry: Registry) -> str | None:
    slot, _, name = label.partition(" ")
    entry = registry.entries.get((slot, name))
    try:
        if label == ENGINE_LABEL:
            return engine_sha256()
        return None if entry is None else component_sha256(entry)
    except TcmgcError:  # its module does not import any more, or is not what this process imported
        return ""

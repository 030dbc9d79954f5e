"""Where times and memory were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def measured_on(environments: Iterable[Mapping[str, Any]]) -> str:
    """Name the devices of runs, with the threads of a CPU.

    Parameters
    ----------
    environments
        As `tcmgc.runs.environment.environment` describes them; of each run of a row.
    """
    return "; ".join(dict.fromkeys(map(_place, environments)))


def _place(environment: Mapping[str, Any]) -> str:
    device = environment.get("device", "an unknown device")
    name = environment.get("device_name")
    place = f"{name} ({device})" if name else str(device)
    threads = environment.get("threads")
    if threads is None or not str(device).startswith("cpu"):
        return place
    return f"{place}, {threads} thread{'' if threads == 1 else 's'}"

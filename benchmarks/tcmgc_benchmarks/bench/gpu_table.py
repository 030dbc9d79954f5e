"""What `tcmgc bench scoring --device cuda` prints and writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

from .gpu_scoring import FLOOR, PUBLISHED, XCLIP

if TYPE_CHECKING:
    from .gpu_scoring import Accuracy, GpuCosts


def table(costs: GpuCosts) -> str:
    """Return a row for each way and setting of TF32; ratios are within a setting."""
    rows = []
    for (name, tf32), cost in costs.costs.items():
        rows.append(
            {
                "": name,
                "TF32": tf32,
                "us a pair": f"{cost.microseconds:.3f}",
                "times faster than published": f"{costs.ratio((PUBLISHED, tf32), (name, tf32)):.1f}",
                "times xclip's": f"{costs.ratio((name, tf32), (XCLIP, tf32)):.2f}",
                "times the floor": f"{costs.ratio((name, tf32), (FLOOR, tf32)):.2f}",
                "first run s": f"{cost.first:.2f}",
                "peak MB": "" if cost.peak_bytes is None else f"{cost.peak_bytes / 2**20:.0f}",
                **_told(cost.accuracy),
            }
        )
    said = [tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)]
    said += [f"no kernel for view {view}: {reason}" for view, reason in costs.refusals.items()]
    said.append(f"floor: {costs.floor_flops / 1e6:.2f} MFLOP a pair")
    return "\n".join(said)


def record(costs: GpuCosts) -> dict[str, Any]:
    """Return all of it as plain values."""
    measured = [{"way": name, "tf32": tf32, **asdict(cost)} for (name, tf32), cost in costs.costs.items()]
    return {"costs": measured, "refusals": costs.refusals, "floor_flops": costs.floor_flops}


def _told(accuracy: Accuracy | None) -> dict[str, str]:
    if accuracy is None:
        return {"largest difference": "", "beyond": "", "ranks changed": "", "firsts changed": ""}
    return {
        "largest difference": f"{accuracy.difference:.1e} of {accuracy.logit:.1f}",
        "beyond": str(accuracy.beyond),
        "ranks changed": f"{accuracy.ranks} of {accuracy.texts}",
        "firsts changed": f"{accuracy.firsts} of {accuracy.texts}",
    }

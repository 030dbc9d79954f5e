"""What `tcmgc bench scoring --device cuda` measures, tried on the CPU, where Triton's kernel refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tcmgc_benchmarks.bench.gallery import Gallery
from tcmgc_benchmarks.bench.gpu_command import gpu_scoring
from tcmgc_benchmarks.bench.gpu_scoring import BF16, FLOOR, KERNEL, PUBLISHED, PYTORCH, XCLIP
from tcmgc_benchmarks.bench.scoring import Setting

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SETTING = Setting(Gallery(10, 12, 8, 4, 32), keep_rate=0.3, rounds=2, blocks=1, device="cpu")


def test_on_the_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is timed and compared, and what refuses is said to."""
    out = tmp_path / "gpu.json"
    gpu_scoring(SETTING, str(out))
    said = capsys.readouterr().out
    found = json.loads(out.read_text())
    ways = {(cost["way"], cost["tf32"]): cost for cost in found["costs"]}
    there = {PUBLISHED, PYTORCH, XCLIP, FLOOR} | (set() if found["refusals"] else {KERNEL, BF16})
    assert set(ways) == {(way, tf32) for way in there for tf32 in ("off", "on")}
    assert all(len(cost["seconds"]) == 2 and min(cost["seconds"]) > 0 for cost in ways.values())
    for way in (PUBLISHED, PYTORCH):
        accuracy = ways[way, "off"]["accuracy"]
        assert 0 < accuracy["difference"] < 1e-4
        assert accuracy["beyond"] == 0
        assert accuracy["ranks"] <= accuracy["texts"] == 10
    assert ways[XCLIP, "off"]["accuracy"] is None
    for view, reason in found["refusals"].items():
        assert f"no kernel for view {view}: {reason}" in said
    assert found["floor_flops"] == 2 * 9 * 32 * (4 + 4)
    assert f"{PUBLISHED}  " in said

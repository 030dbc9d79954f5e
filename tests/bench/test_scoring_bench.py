"""``tcmgc bench scoring``: the published formulation is the recipe, and the table has every way."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from tcmgc.tile_compiler import has_compiler
from tcmgc_benchmarks.bench.command import bench
from tcmgc_benchmarks.bench.gallery import Gallery
from tcmgc_benchmarks.bench.scoring import (
    COMPILED,
    DENSE,
    FACTORED,
    PUBLISHED,
    XCLIP,
    Cost,
    Setting,
    measure_scoring,
    ratio,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tcmgc.tile_compiler import Compilation


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling has tests of its own, and takes half a minute."""

    def eager(self: Compilation, scorer: object, first: object) -> object:
        self.seconds += 1.0
        return scorer

    monkeypatch.setattr("tcmgc.tile_compiler.Compilation.compiled", eager)


def test_every_way_gives_the_published_scores() -> None:
    costs = measure_scoring(Setting(Gallery(70, 66, 16, 5, 32), 0.25, rounds=2, blocks=3))
    assert list(costs) == [PUBLISHED, DENSE, FACTORED, FACTORED + COMPILED, XCLIP, XCLIP + COMPILED]
    for name in (DENSE, FACTORED, FACTORED + COMPILED):
        found = costs[name].difference
        assert found is not None
        assert 0 < found[0] < 1e-4 + 1e-5 * found[1]
    assert costs[PUBLISHED].pairs == 64 * 64 + 64 * 2 + 6 * 64
    assert costs[FACTORED].pairs == 70 * 66
    assert costs[FACTORED + COMPILED].compile_seconds == 1.0
    assert costs[FACTORED].compile_seconds is None
    # The vectors of a block of 64 x 64 alone are 16 x 32 numbers a pair.
    assert costs[PUBLISHED].peak_bytes > 64 * 64 * 16 * 32 * 4
    assert 0 < costs[FACTORED].peak_bytes < costs[PUBLISHED].peak_bytes
    assert all(len(cost.seconds) == 2 and min(cost.seconds) > 0 for cost in costs.values())
    assert ratio(costs, FACTORED, FACTORED) == pytest.approx(1)


def cost_of(seconds: tuple[float, ...], pairs: int) -> Cost:
    return Cost(microseconds=1.0, seconds=seconds, pairs=pairs, peak_bytes=1, difference=None)


def test_a_ratio_is_the_median_of_those_within_a_round_and_of_a_pair() -> None:
    costs = {
        "one": cost_of((8.0, 6.0, 30.0), 10),
        "other": cost_of((2.0, 4.0, 3.0), 10),  # 4, 1.5 and 10 times as much
        "five times the pairs": cost_of((8.0, 6.0, 30.0), 50),
        "one round": cost_of((8.0,), 10),
    }
    assert ratio(costs, "one", "other") == 4
    assert ratio(costs, "other", "one") == 1 / 4
    assert ratio(costs, "five times the pairs", "other") == pytest.approx(4 / 5)
    assert ratio(costs, "other", "five times the pairs") == pytest.approx(5 / 4)
    with pytest.raises(ValueError, match="shorter"):
        ratio(costs, "one", "one round")


@pytest.mark.skipif(not has_compiler(), reason="the table is of a machine with a C++ compiler")
def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "costs.json"
    sizes = ["--texts", "8", "--videos", "8", "--words", "12", "--frames", "3", "--dim", "16"]
    said = CliRunner().invoke(
        bench,
        ["scoring", *sizes, "--rounds", "1", "--blocks", "1", "--json", str(out)],
        catch_exceptions=False,
    )
    rows = [
        re.split(r"  +", line.strip()) for line in said.output.splitlines() if " of " in line or "1/" in line
    ]
    assert [row[0] for row in rows if row[0] in ("published", "tcmgc", "xclip")] == [
        "published",
        "tcmgc",
        "xclip",
    ]
    written = json.loads(out.read_text())
    assert written["costs"]["tcmgc"]["pairs"] == 64
    assert written["costs"]["tcmgc"]["microseconds"] > 0

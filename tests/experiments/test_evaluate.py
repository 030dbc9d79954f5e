"""How an evaluation is timed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from engine_cases import build, tiny_split
from tcmgc.app import current_registry
from tcmgc.engine.fabric import make_fabric
from tcmgc.experiments import evaluate as module
from tcmgc.experiments.evaluate import REPEATS, evaluate

if TYPE_CHECKING:
    from tcmgc.scores import Scores


@pytest.mark.parametrize(("short", "passes"), [(0.0, 1), (3600.0, 1 + REPEATS)])
def test_only_short_scoring_is_repeated_for_its_time(
    monkeypatch: pytest.MonkeyPatch, short: float, passes: int
) -> None:
    model, data = build("xclip"), tiny_split("test", 12)
    scored: list[float] = []
    real = model.head.scores

    def scores(*features: Any, **options: Any) -> Scores:
        start = time.perf_counter()
        time.sleep(0.02)
        found = real(*features, **options)
        scored.append(time.perf_counter() - start)
        return found

    monkeypatch.setattr(model.head, "scores", scores)
    monkeypatch.setattr(module, "SHORT", short)
    found = evaluate(make_fabric("cpu"), model, data, current_registry().create_all("metric"))
    assert len(scored) == passes
    a_pair = 1e6 * min(scored[-REPEATS:]) / 12**2
    assert a_pair <= found.microseconds_per_pair < 1.5 * a_pair
    assert found.seconds >= scored[0]

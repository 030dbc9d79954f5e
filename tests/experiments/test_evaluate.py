"""How an evaluation is timed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from engine_cases import build, tiny_split
from tcmgc.app import current_registry
from tcmgc.engine.fabric import make_fabric
from tcmgc.experiments import evaluate as module
from tcmgc.experiments.evaluate import REPEATS, evaluate

if TYPE_CHECKING:
    from tcmgc import Scores, TextFeatures, VideoFeatures


ENCODING, SCORING = 1.0, (0.05, 0.04, 0.02, 0.03)


@pytest.mark.parametrize(("short", "least"), [(0.05, 0.05), (0.06, 0.02)])
def test_only_short_scoring_is_repeated_for_its_time(
    monkeypatch: pytest.MonkeyPatch, short: float, least: float
) -> None:
    """By a clock that only encoding and scoring move."""
    model, data, now, scored = build("xclip"), tiny_split("test", 12), 0.0, 0

    def encode(*arguments: Any) -> tuple[TextFeatures, VideoFeatures]:
        nonlocal now
        now += ENCODING
        return really_encode(*arguments)

    def scores(*features: Any, **options: Any) -> Scores:
        nonlocal now, scored
        now += SCORING[scored]
        scored += 1
        return really_score(*features, **options)

    really_encode, really_score = module.encode, model.head.scores
    monkeypatch.setattr(module, "encode", encode)
    monkeypatch.setattr(model.head, "scores", scores)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(module, "SHORT", short)
    found = evaluate(make_fabric("cpu"), model, data, current_registry().create_all("metric"))
    assert scored == (1 if least == SCORING[0] else 1 + REPEATS)
    assert found.seconds == pytest.approx(ENCODING + SCORING[0])
    assert found.microseconds_per_pair == pytest.approx(1e6 * least / 12**2)

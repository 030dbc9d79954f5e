"""Which epoch is best."""

from __future__ import annotations

import pytest

from engine_cases import tiny_split
from tcmgc import ConfigError
from tcmgc.app import current_registry
from tcmgc.engine.validation import Validation


def validation(metric: str, clips: int = 16) -> Validation:
    measures = current_registry().create_all("metric")
    return Validation(tiny_split("val", clips, captions=2).split, measures, metric, "t2v")


@pytest.mark.parametrize(
    ("metric", "better", "worse"), [("r1", 2.0, 1.0), ("mdr", 1.0, 2.0), ("mrr", 2.0, 1.0)]
)
def test_more_or_less_is_better(metric: str, better: float, worse: float) -> None:
    choose = validation(metric)
    first = choose.select(None, 1, worse)
    assert first == {"epoch": 1, "metric": metric, "direction": "t2v", "value": worse}
    assert choose.select(first, 2, worse)["epoch"] == 1, "of equals the earlier"
    second = choose.select(first, 2, better)
    assert second["epoch"] == 2
    assert choose.select(second, 3, worse)["epoch"] == 2


def test_unknown_metric() -> None:
    with pytest.raises(ConfigError, match="did you mean 'r10'"):
        validation("r100")


def test_a_metric_that_tells_nothing() -> None:
    with pytest.raises(ConfigError, match="r10, which is 100 for the best and the worst ranking of 8"):
        validation("r10", clips=8)

"""Settings from Python have the ranges that recipes have."""

from __future__ import annotations

from typing import Any

import pytest

from engine_cases import settings
from tcmgc import ConfigError


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("epochs", 0, "int >= 1"),
        ("batch_size", 1, "int >= 2"),
        ("learning_rate", -1e-3, "float >= 0"),
        ("encoder_learning_rate", float("nan"), "float >= 0"),
        ("gradient_clip", 0.0, "null > 0"),
    ],
)
def test_what_is_out_of_range(name: str, value: Any, expected: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"training\.{name}\n  found:    {value}\n  expected: .*{expected}"
    ):
        settings(**{name: value})


def test_the_least() -> None:
    assert settings(epochs=1, batch_size=2, learning_rate=0.0, gradient_clip=None).gradient_clip is None

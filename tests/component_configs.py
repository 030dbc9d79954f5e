"""Configs of every registered component: its defaults, and each other choice that it offers."""

from __future__ import annotations

import itertools
import typing
from typing import TYPE_CHECKING, Any

import pytest

from tcmgc.app import current_registry
from tcmgc.schema import slot_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

SMALL: dict[str, Any] = {
    "keep_rate": 0.5,  # the default keeps one of few
    "layers": 2,
    "samples": 20,
    "temperature": 0.3,  # softmaxes of the published ones choose one of few
    "model": "StoryShapes-ViT",
    "pretrained": None,
}
"""What a parameter of that name is in tests, where the component has it and allows it."""


def configs(slot: str, name: str) -> Iterator[dict[str, Any]]:
    """Yield a config with defaults, then one for every other choice of a literal or a boolean.

    Parameters without a default get a small number or their first choice.
    """
    model = current_registry().find(slot, name).schema.model
    nested = slot_fields(model)
    first = {key: SMALL.get(key, info.default) for key, info in model.model_fields.items()}
    for key, info in model.model_fields.items():
        if info.is_required() and key not in SMALL:
            first[key] = nested_default(nested[key]) if key in nested else example(info)
        if key in SMALL and not allowed(slot, name, {**required(slot, name), key: SMALL[key]}):
            first[key] = info.default
    yield {"name": name, **first}
    for key, info in model.model_fields.items():
        for value in choices(info):
            if value != first[key] and constructible(slot, {"name": name, **first, key: value}):
                yield {"name": name, **first, key: value}


def required(slot: str, name: str) -> dict[str, Any]:
    fields = current_registry().find(slot, name).schema.model.model_fields
    return {key: example(info) for key, info in fields.items() if info.is_required()}


def allowed(slot: str, name: str, config: dict[str, Any]) -> bool:
    try:
        current_registry().find(slot, name).schema.model.model_validate(config)
    except ValueError:
        return False
    return True


def constructible(slot: str, config: dict[str, Any]) -> bool:
    """Whether a choice is not one that the constructor refuses by its value alone (float16 weights)."""
    from tcmgc import ConfigError

    sizes = {"dim": 16, "max_words": 6, "max_frames": 4, "max_patches": 24, "parts": 2}
    lengths = {"text_length": 1, "video_length": 4}
    try:
        current_registry().create(slot, config, sizes | lengths)
    except ConfigError:
        return len(current_registry().find(slot, config["name"]).schema.injected) > 0
    return True


def nested_default(slot: str) -> dict[str, Any]:
    return next(configs(slot, current_registry().names(slot)[0]))


def example(info: FieldInfo) -> Any:
    if found := choices(info):
        return found[0]
    kind = info.annotation
    if kind in (int, float):
        bounds = [getattr(mark, key, 0) for mark in info.metadata for key in ("ge", "gt")]
        return kind(max([4, *bounds]))
    if kind is str:
        return "x"
    raise AssertionError(f"no example of {info}: give the parameter a default")


def choices(info: FieldInfo) -> list[Any]:
    options = [info.annotation, *typing.get_args(info.annotation)]
    found = [typing.get_args(option) for option in options if typing.get_origin(option) is typing.Literal]
    if bool in options:
        found.append((False, True))
    return [*itertools.chain(*found)]


def told(config: dict[str, Any], slot: str) -> str:
    """Name a config by how it differs from the first one of its component."""
    first = next(configs(slot, config["name"]))
    differing = [f"{key}={value}" for key, value in config.items() if value != first[key]]
    return " ".join([slot, config["name"], *differing])


def components(slot: str) -> pytest.MarkDecorator:
    """Parametrize a test with every config of a slot."""
    every = [config for name in current_registry().names(slot) for config in configs(slot, name)]
    return pytest.mark.parametrize("config", every, ids=[told(config, slot) for config in every])


def create(slot: str, config: dict[str, Any]) -> Any:
    return current_registry().create(slot, config, {})

"""Which components a config uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tcmgc.ranking import rank
from tcmgc.schema import slot_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tcmgc.registry import Entry, Registry


def used_components(config: Mapping[str, Any], registry: Registry) -> dict[str, Entry]:
    """Return every component of a resolved recipe by ``slot name``, nested ones included.

    What trains is left out where nothing is trained. Of the metrics, the one that selects the epoch is
    used; what a report computes of ranks is not of the run.
    """
    found: dict[str, Entry] = {}
    for slot, component in _named(config):
        for entry in _with_nested(slot, component, registry):
            found[f"{entry.slot} {entry.name}"] = entry
    if config["trained"] and config["training"] is not None:
        for entry in _selecting(config["training"]["selection"]["metric"], registry):
            found[f"{entry.slot} {entry.name}"] = entry
    return dict(sorted(found.items()))


def _selecting(number: str, registry: Registry) -> Iterator[Entry]:
    """Find the metric that gives a number, by asking each about a ranking."""
    ranking = rank(np.eye(2))
    for name in registry.names("metric"):
        if number in registry.create("metric", {"name": name}, {})(ranking, "expected"):
            yield registry.find("metric", name)


def _named(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    for slot in ("dataset", "reader", "sampler", "encoder", "aggregator", "scorer", "normalizer"):
        yield slot, config[slot]
    for stages in config["stages"].values():
        yield from (("stage", stage) for stage in stages)
    yield from (("view", view) for view in config["views"].values() if view["share"] is None)
    for granularity in config["granularities"].values():
        yield "reorganizer", granularity["reorganizer"]
        yield "interaction", granularity["interaction"]
    if config["trained"]:
        yield from (("loss", loss) for loss in config["losses"].values())
        training = config["training"] or {}
        yield "optimizer", training.get("optimizer")
        yield "schedule", training.get("schedule")


def _with_nested(slot: str, config: Mapping[str, Any] | None, registry: Registry) -> Iterator[Entry]:
    if config is None:
        return
    entry = registry.find(slot, config["name"])
    yield entry
    for key, nested in slot_fields(entry.schema.model).items():
        yield from _with_nested(nested, config.get(key), registry)

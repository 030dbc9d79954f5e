"""What tables call a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .fingerprint import display

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.registry import Registry


def dataset_title(registry: Registry, config: Mapping[str, Any]) -> str:
    """Name a data set for people; the fingerprint names it by its parameters.

    Parameters
    ----------
    registry
        Where its class is looked up.
    config
        Its resolved config.
    """
    title_of = getattr(registry.find("dataset", config["name"]).component, "title_of", None)
    return display(registry, "dataset", config) if title_of is None else str(title_of(config))

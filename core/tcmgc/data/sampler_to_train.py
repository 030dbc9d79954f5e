"""Which frames a training decodes: of a sampler that draws, those that it draws among."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tcmgc.slots.sampler import RandomSampler

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.slots.sampler import Sampler

CHOOSES = "chooses"
"""The key that tells a sampler's candidates from what it chooses itself, where frames are named."""


def sampler_to_train(sampler: Sampler, config: Mapping[str, Any]) -> tuple[Sampler, dict[str, Any]]:
    """Return what chooses the frames of clips that are trained on, and what names it.

    Parameters
    ----------
    sampler, config
        As in the recipe; the config is resolved.
    """
    if isinstance(sampler, RandomSampler):
        return sampler.candidates, {**config, CHOOSES: "candidates"}
    return sampler, dict(config)

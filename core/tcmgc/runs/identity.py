"""The identity of a run: equal identities are the same computation, which is not repeated."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tcmgc.source_hash import component_sha256, engine_sha256

from .components import used_components
from .fingerprint import split_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tcmgc.data.clip import Split
    from tcmgc.recipes.load import Recipe
    from tcmgc.registry import Registry
    from tcmgc.slots.encoder import Encoder

ENGINE_LABEL = "engine"


def identity_parts(
    recipe: Recipe,
    registry: Registry,
    *,
    seed: int,
    fingerprint: str,
    encoder: Encoder,
    splits: Iterable[Split] = (),
) -> dict[str, Any]:
    """Collect what makes a run what it is.

    Parameters
    ----------
    recipe
        Resolved, its protocol included.
    registry
        Where its components come from.
    seed
        Of initial weights, orders and draws.
    fingerprint
        Of the protocol, see `tcmgc.runs.fingerprint`.
    encoder
        As it starts.
    splits
        What is read besides the split that is evaluated, whose content is in the fingerprint.

    Returns
    -------
    dict
        ``config`` (the digest of the recipe without its texts), ``seed``, ``weights`` and ``encoder`` (which
        weights it starts from, and what it computes with them), ``fingerprint``, ``splits`` (a hash of each),
        and ``sources``: a hash for the engine and for every component used.
    """
    return {
        "config": recipe.digest,
        "seed": seed,
        "weights": encoder.weights_sha256,
        "encoder": encoder.version,
        "fingerprint": fingerprint,
        "splits": {split.name: split_sha256(split) for split in splits},
        "sources": sources(recipe.config, registry),
    }


def identity(parts: Mapping[str, Any]) -> str:
    """SHA-256 of the parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def sources(config: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """Hash the source of the engine, and of every component that a config uses, by ``slot name``."""
    used = used_components(config, registry)
    return {ENGINE_LABEL: engine_sha256()} | {label: component_sha256(entry) for label, entry in used.items()}

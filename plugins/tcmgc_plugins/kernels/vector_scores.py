"""Launches `jit_vector`: a tile of a view with one vector a pair, that the sentence asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
import triton

from tcmgc.granularity import only
from tcmgc.similarity import Similarity

from .jit_vector import score_vectors
from .tile_scores import kept
from .triton_attention import kind

if TYPE_CHECKING:
    from torch import Tensor

    from tcmgc.contrast import Contrast
    from tcmgc.granularity import Granularity
    from tcmgc.state import State
    from tcmgc_plugins.interactions.isa import Isa

ENTRIES = 2048
"""Of the rows that one program looks at."""


def vector_scores(contrast: Contrast, text: State, video: State) -> dict[str, Tensor]:
    """Score a tile: of each granularity [T, V].

    Parameters
    ----------
    contrast
        Of attention with one query; its granularities are ``plain`` or ``vector``.
    text, video
        The scorer's states.
    """
    visual = contrast.factored.factored(
        contrast.queries(text), contrast.query_mask(text), contrast.basis(video)
    ).normalized(skip_padding=False)
    scores = {}
    for name, granularity in contrast.granularities.items():
        probes, mask = contrast.probes(name, text)
        similarity = Similarity(visual.dot(probes), granularity.mask(mask, visual.mask))
        if kind(granularity, 1) == "plain":
            scores[name] = only(similarity)
        else:
            scores[name] = _vector(granularity, similarity)
    return scores


def _vector(granularity: Granularity, similarity: Similarity) -> Tensor:
    """Reorganize [T, V, P, 1] and aggregate them by ISA: [T, V]."""
    T, V, P, _ = similarity.values.shape
    values = similarity.values.contiguous()
    real = values.new_zeros(1, dtype=torch.uint8)
    if similarity.mask is not None:
        real = similarity.mask.expand(T, V, P, 1).to(torch.uint8).contiguous()
    interaction = cast("Isa", granularity.interaction)
    k, fuses = kept(granularity)
    length = triton.next_power_of_2(P)
    block = max(1, min(ENTRIES // length, 64))
    scores = values.new_empty(T, V)
    score_vectors[(triton.cdiv(T * V, block),)](
        *(values, real, interaction.matrix.contiguous(), scores, T * V, interaction.temperature),
        **{"LENGTH": P, "K": k, "FUSES": fuses, "MASKED": similarity.mask is not None},
        **{"B": block, "L": length, "KP": triton.next_power_of_2(k + fuses)},
        num_warps=4,
    )
    return scores

"""Launches `jit_tile`: a tile of a view with a vector for every word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
import triton

from tcmgc_plugins.reorganizers.fuse import Fuse

from .jit_tile import score_tile
from .products import product
from .triton_attention import kind

if TYPE_CHECKING:
    from torch import Tensor

    from tcmgc.contrast import Contrast
    from tcmgc.granularity import Granularity
    from tcmgc.state import State
    from tcmgc_plugins.interactions.isa import BiIsa, Isa
    from tcmgc_plugins.reorganizers.bi_prune import BiPrune
    from tcmgc_plugins.reorganizers.prune import Prune
    from tcmgc_plugins.views.attention import Attention

    from .products import Inputs

LEAST = 16
"""Of every side of a product in registers."""
WARP = 512
"""Entries of a pair's largest matrix for each warp, 16 a thread: W 32 with F 12 spills no register."""


def tile_scores(contrast: Contrast, text: State, video: State, inputs: Inputs) -> dict[str, Tensor]:
    """Score a tile: of each granularity [T, V].

    Parameters
    ----------
    contrast
        Of attention; its granularities are at most one ``vector`` and one ``matrix``.
    text, video
        The scorer's states.
    inputs
        Of the two products.
    """
    view, basis = cast("Attention", contrast.view), contrast.basis(video)
    query_TQD, keys_VFD = contrast.queries(text), basis["keys"]
    T, Q, D = query_TQD.shape
    V, F, _ = keys_VFD.shape
    by_kind = {kind(g, Q): (name, g) for name, g in contrast.granularities.items()}
    (one, one_g), (every, all_g) = (by_kind.get(each, ("", None)) for each in ("vector", "matrix"))
    nothing, scores = query_TQD.new_zeros(1), query_TQD.new_empty(2, T, V)
    none = nothing, nothing, nothing
    *of_one, _ = _asked(*contrast.probes(one, text), basis, inputs) if one_g else none
    *of_all, words_real = _asked(*contrast.probes(every, text), basis, inputs) if all_g else none
    P = words_real.shape[1] if all_g else LEAST
    heads_P = triton.next_power_of_2(view.heads)
    frames_P = max(triton.next_power_of_2(F), LEAST // heads_P)
    words_P, queries_P = (max(triton.next_power_of_2(length), LEAST) for length in (P, Q))
    score_tile[(T * V,)](
        _logits(query_TQD, keys_VFD, view.heads, inputs),
        basis["roots"].contiguous(),
        basis["squares"].contiguous(),
        _bytes(basis["mask"]),
        _bytes(contrast.query_mask(text).expand(T, Q)),
        *(*of_one, *_of_vector(one_g, nothing, scores[0])),
        *(*of_all, _bytes(words_real), *_of_matrix(all_g, nothing, scores[1])),
        *(T, 1 / D, view.layer_norm2.eps, view.layer_norm3.eps),
        **{"Q": Q, "P": P, "HEADS": view.heads, "F": F},
        RANK=basis["roots"].shape[1] // 3 - 1,
        FRAMES_MASKED=view.frame_mask,
        **_vector_settings(one_g),
        **_matrix_settings(all_g),
        **{"QP": queries_P, "PP": words_P, "HP": heads_P, "FP": frames_P, "CHUNK": LEAST},
        PRECISION="tf32" if torch.backends.cuda.matmul.allow_tf32 else "ieee",
        num_warps=max(1, min(16, queries_P * max(words_P, heads_P * frames_P) // WARP)),
    )
    named = {one: scores[0], every: scores[1]}
    return {name: named[name] for name in contrast.granularities}


def _logits(query_TQD: Tensor, keys_VFD: Tensor, heads: int, inputs: Inputs) -> Tensor:
    """Compare queries with keys, for each head: [V, heads F, T Q], the heads outermost."""
    V, F, D = keys_VFD.shape
    query_tD = query_TQD.reshape(-1, D)
    if heads == 1:
        return product(keys_VFD.reshape(V * F, D), query_tD.T, inputs)
    own = [slice(head * D // heads, (head + 1) * D // heads) for head in range(heads)]
    keys_vD = keys_VFD.reshape(V * F, D)
    each = [product(keys_vD[:, d], query_tD[:, d].T, inputs).view(V, F, -1) for d in own]
    return torch.stack(each, dim=1)


def _asked(probes: Tensor, mask_TP: Tensor, basis: State, inputs: Inputs) -> tuple[Tensor, Tensor, Tensor]:
    """Return the basis as probes see it, [V A, T P], what all videos share, [T, P, 2], and a mask, [T, P]."""
    rows_aD = basis["basis"].flatten(end_dim=1)
    asking_TPD, of_shared_TP2 = torch.split(probes, [rows_aD.shape[1], 2], dim=2)
    asked = product(rows_aD, asking_TPD.flatten(end_dim=1).T, inputs)
    return asked, of_shared_TP2.contiguous(), mask_TP


def _bytes(mask: Tensor) -> Tensor:
    return mask.to(torch.uint8).contiguous()


def _of_vector(granularity: Granularity | None, nothing: Tensor, scores: Tensor) -> tuple[Any, ...]:
    if granularity is None:
        return nothing, scores, 1.0
    interaction = cast("Isa", granularity.interaction)
    return interaction.matrix.contiguous(), scores, interaction.temperature


def _of_matrix(granularity: Granularity | None, nothing: Tensor, scores: Tensor) -> tuple[Any, ...]:
    if granularity is None:
        return nothing, nothing, nothing, nothing, scores, 1.0
    interaction = cast("BiIsa", granularity.interaction)
    orders = interaction.orders
    matrices = (orders.word_first, orders.frame_second, orders.frame_first, orders.word_second)
    return *(matrix.contiguous() for matrix in matrices), scores, interaction.temperature


def _vector_settings(granularity: Granularity | None) -> dict[str, Any]:
    if granularity is None:
        return {"ONE": False, "ONE_K": 1, "ONE_FUSES": False, "ONE_MASKED": False, "ONE_P": 1}
    k, fuses = kept(granularity)
    return {
        "ONE": True,
        "ONE_K": k,
        "ONE_FUSES": fuses,
        "ONE_MASKED": granularity.use_video_mask,
        "ONE_P": triton.next_power_of_2(k + fuses),
    }


def _matrix_settings(granularity: Granularity | None) -> dict[str, Any]:
    reorganizer = None if granularity is None else cast("BiPrune", granularity.reorganizer)
    words, frames = (1, 1) if reorganizer is None else (reorganizer.words, reorganizer.frames)
    return {
        "ALL": granularity is not None,
        "WORDS_K": words,
        "FRAMES_K": frames,
        "ALL_WORDS_MASKED": granularity is not None and granularity.use_text_mask,
        "ALL_FRAMES_MASKED": granularity is not None and granularity.use_video_mask,
        "WORDS_P": triton.next_power_of_2(words),
        "FRAMES_P": triton.next_power_of_2(frames),
    }


def kept(granularity: Granularity) -> tuple[int, bool]:
    """Say how many entries a vector's reorganizer keeps, and whether the rest is fused behind them."""
    reorganizer = cast("Prune | Fuse", granularity.reorganizer)
    return reorganizer.k, isinstance(reorganizer, Fuse) and reorganizer.length > reorganizer.k

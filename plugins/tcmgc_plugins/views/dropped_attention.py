"""`factored_attention` while coefficients are dropped, in training: see `coefficient_dropout`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.factored import Factored, gram_root

from .coefficient_dropout import separate_coefficients, separate_rows
from .factored_attention import attention_atoms, attention_weights, centred

if TYPE_CHECKING:
    from torch import Tensor

    from tcmgc.features import Tokens
    from tcmgc.state import State

    from .attention import Attention


def dropped_basis(view: Attention, tokens: Tokens) -> State:
    """Compute what a video needs, from its tokens [V, F, D].

    Returns
    -------
    State
        ``keys`` [V, F, D]; ``basis`` [V, 2 A + 3, D]; of every norm the root of its Gram matrix: ``pooled``
        of the A atoms, ``moved`` of the vectors of `separate_rows`, ``whole`` of the basis; ``mask`` [V, F].
    """
    normed_VFD = view.layer_norm1(tokens.values)
    atoms_VAD = centred(attention_atoms(view, normed_VFD))
    rows_VAD = centred(separate_rows(view, atoms_VAD * view.layer_norm2.weight))
    V, _, D = rows_VAD.shape
    last = view.layer_norm3
    basis_VAD = torch.cat([rows_VAD * last.weight, last.bias.expand(V, 1, D)], dim=1)
    return {
        "keys": view.k_proj(normed_VFD),
        "basis": basis_VAD,
        "pooled": gram_root(atoms_VAD),
        "moved": gram_root(rows_VAD),
        "whole": gram_root(basis_VAD),
        "mask": tokens.mask,
    }


def dropped_factors(view: Attention, query_TQD: Tensor, mask_TQ: Tensor, state: State) -> Factored:
    """Pool for every query of every text, some coefficients dropped: [T, V, Q, 2 A + 3]."""
    weights_VhFt, mask = attention_weights(view, query_TQD, mask_TQ, state)
    V, heads, F, _ = weights_VhFt.shape
    T, Q, D = query_TQD.shape
    atom_VAt = weights_VhFt.reshape(V, heads * F, -1).to(state["pooled"].dtype)
    scaled_VAt = atom_VAt * _inverse_deviation(state["pooled"] @ atom_VAt, D, view.layer_norm2.eps)
    terms_VAt = separate_coefficients(view, scaled_VAt)
    inverse_V1t = _inverse_deviation(state["moved"] @ terms_VAt, D, view.layer_norm3.eps)
    coefficients_VAt = torch.cat([terms_VAt * inverse_V1t, torch.ones_like(inverse_V1t)], dim=1)
    norms_Vt = (state["whole"] @ coefficients_VAt).square().sum(dim=1).sqrt()
    basis = state["basis"]
    return Factored(
        coefficients_VAt.to(basis.dtype).view(V, -1, T, Q).permute(2, 0, 3, 1),
        basis,
        norms_Vt.view(V, T, Q).transpose(0, 1),
        mask,
        heads=heads,
        frames=F,
    )


def _inverse_deviation(image_VRt: Tensor, dim: int, eps: float) -> Tensor:
    """Return ``1 / sqrt(variance + eps)`` of vectors whose norms are those of the columns: [V, 1, T Q]."""
    return (image_VRt.square().sum(dim=1, keepdim=True) / dim + eps).rsqrt()

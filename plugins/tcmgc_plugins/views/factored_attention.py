"""Language-video attention in frame space: the arithmetic of `Attention` without a vector a pair.

Everything between the attention weights a and the pooled vector z is linear but for two layer norms, and
their scales are norms of combinations of what the video fixes. With atoms v_a (a frame's value as one head
sees it, sent through W_O), c(.) subtracting the mean over channels, gains g2, g3 and biases b2, b3::

    s1 = |sum_a w_a c(v_a)|          u_a = (I + P)(g2 c(v_a)),  e = (I + P) b2 + p
    s2 = |sum_a (w_a / s1) c(u_a) + c(e)|
    z  = sum_a (w_a / (s1 s2)) g3 c(u_a) + (1 / s2) g3 c(e) + b3

where |.| stands for ``sqrt(|.|^2 / D + eps)``. So z has A + 2 coefficients in a basis of the video.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn.functional import linear

from tcmgc.factored import Factored, gram_root

from .coefficient_dropout import drops_coefficients, separate_coefficients, separate_rows

if TYPE_CHECKING:
    from torch import Tensor

    from tcmgc.features import Tokens
    from tcmgc.state import State

    from .attention import Attention


def attention_basis(view: Attention, tokens: Tokens) -> State:
    """Compute what a video needs, from its tokens [V, F, D].

    Returns
    -------
    State
        ``keys`` [V, F, D]; ``basis`` [V, A + 2, D]; of every norm the root of its Gram matrix: ``pooled`` of
        the A atoms, ``moved`` of those and e behind the linear layer, ``root`` of the basis; ``mask`` [V, F].
        While coefficients are dropped, 2 A + 3 in place of A + 2.
    """
    normed_VFD = view.layer_norm1(tokens.values)
    atoms_VAD = _centred(_atoms(view, view.v_proj(normed_VFD)))
    gained_VAD = atoms_VAD * view.layer_norm2.weight
    rows_VAD = _centred((separate_rows if drops_coefficients(view) else _rows)(view, gained_VAD))
    V, _, D = rows_VAD.shape
    last = view.layer_norm3
    basis_VAD = torch.cat([rows_VAD * last.weight, last.bias.expand(V, 1, D)], dim=1)
    return {
        "keys": view.k_proj(normed_VFD),
        "basis": basis_VAD,
        "pooled": gram_root(atoms_VAD),
        "moved": gram_root(rows_VAD),
        "root": gram_root(basis_VAD),
        "mask": tokens.mask,
    }


def attention_factors(view: Attention, query_TQD: Tensor, mask_TQ: Tensor, state: State) -> Factored:
    """Pool for every query of every text, as `Attention.prepare_queries` made them.

    Returns
    -------
    Factored
        Coefficients [T, V, Q, A + 2], laid out as [V, A + 2, T, Q]; 2 A + 3 while some are dropped.
    """
    T, Q, D = query_TQD.shape
    mask, attended_VF = view.attended(mask_TQ, state["mask"])
    weights_VhFt = _weights(query_TQD.reshape(T * Q, D), state["keys"], attended_VF, view.heads)
    V, heads, F, _ = weights_VhFt.shape
    A = heads * F
    # The roots, and so everything up to the coefficients, are float32 at least.
    atom_VAt = weights_VhFt.reshape(V, A, T * Q).to(state["pooled"].dtype)
    pooled_VRt = state["pooled"] @ atom_VAt
    scaled_VAt = atom_VAt * _inverse_deviation(pooled_VRt, D, view.layer_norm2.eps)
    moved = state["moved"]
    if drops_coefficients(view):
        terms = [separate_coefficients(view, scaled_VAt)]
        moved_VRt = moved @ terms[0]
    else:
        terms = [scaled_VAt, torch.ones_like(scaled_VAt[:, :1])]
        moved_VRt = torch.baddbmm(moved[:, :, A:], moved[:, :, :A], scaled_VAt)
    inverse_V1t = _inverse_deviation(moved_VRt, D, view.layer_norm3.eps)
    coefficients = torch.cat([*(term * inverse_V1t for term in terms), torch.ones_like(inverse_V1t)], dim=1)
    by_pair = coefficients.to(state["basis"].dtype).view(V, -1, T, Q).permute(2, 0, 3, 1)
    return Factored(by_pair, state["basis"], state["root"], mask, heads, F)


def _rows(view: Attention, gained_VAD: Tensor) -> Tensor:
    """Send ``g2 c(v_a)`` through ``I + P``, and append e: [V, A + 1, D]."""
    V, _, D = gained_VAD.shape
    moved_VAD = linear(gained_VAD, view.linear_proj.weight)
    constant_D = view.linear_proj(view.layer_norm2.bias)
    if view.residual:
        moved_VAD = moved_VAD + gained_VAD
        constant_D = constant_D + view.layer_norm2.bias
    return torch.cat([moved_VAD, constant_D.expand(V, 1, D)], dim=1)


def _weights(query_tD: Tensor, keys_VFD: Tensor, attended_VF: Tensor | None, heads: int) -> Tensor:
    """Softmax over frames for each head: [V, heads, F, T Q], the queries last so that they lie together."""
    V, F, D = keys_VFD.shape
    if heads == 1:
        logits: Tensor = (keys_VFD.reshape(V * F, D) @ query_tD.T).view(V, 1, F, -1)
    else:
        key_hvd = keys_VFD.reshape(V * F, heads, -1).transpose(0, 1)
        query_hdt = query_tD.reshape(len(query_tD), heads, -1).permute(1, 2, 0)
        logits = (key_hvd @ query_hdt).view(heads, V, F, -1).transpose(0, 1)
    if attended_VF is not None:
        logits = logits.masked_fill(~attended_VF[:, None, :, None], -torch.inf)
    return logits.softmax(dim=2)


def _atoms(view: Attention, values_VFD: Tensor) -> Tensor:
    """Return what each frame adds through each head, behind W_O: [V, heads F, D], the heads outermost.

    The weights of a head add up to 1, so that each atom bears its share of W_O's bias.
    """
    V, F, D = values_VFD.shape
    heads = view.heads
    if heads == 1:
        return cast("Tensor", view.out_proj(values_VFD))
    own_hh1 = torch.eye(heads, dtype=values_VFD.dtype, device=values_VFD.device).unsqueeze(-1)
    alone_VFhD = (values_VFD.view(V, F, 1, heads, D // heads) * own_hh1).reshape(V, F, heads, D)
    atoms = alone_VFhD.transpose(1, 2).reshape(V, heads * F, D)
    if not isinstance(view.out_proj, nn.Linear):
        return atoms
    shared: Tensor = linear(atoms, view.out_proj.weight, view.out_proj.bias / heads)
    return shared


def _centred(x: Tensor) -> Tensor:
    return x - x.mean(dim=-1, keepdim=True)


def _inverse_deviation(image_VRt: Tensor, dim: int, eps: float) -> Tensor:
    """Return ``1 / sqrt(variance + eps)`` of vectors whose norms are those of the columns: [V, 1, T Q]."""
    return (image_VRt.square().sum(dim=1, keepdim=True) / dim + eps).rsqrt()

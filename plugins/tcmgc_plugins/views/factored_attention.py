"""Language-video attention in frame space: the arithmetic of `Attention` without a vector a pair.

Everything between the attention weights w and the pooled vector z is linear but for two layer norms, and
their scales are norms of combinations of what the video fixes. With atoms v_a (a frame's value as one head
sees it, sent through W_O), c(.) subtracting the mean over channels, gains g2, g3 and biases b2, b3::

    s1 = |sum_a w_a c(v_a)|          u_a = c((I + P)(g2 c(v_a))),  e = c((I + P) b2 + p)
    s2 = |sum_a (w_a / s1) u_a + e|
    z  = (1 / (s1 s2)) sum_a w_a g3 u_a + (1 / s2) g3 e + b3

where |.| stands for ``sqrt(|.|^2 / D + eps)``. So z is, up to a scale, a combination of A vectors of the
video by the attention weights themselves, and of two vectors that all videos share.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import torch
from torch import nn
from torch.nn.functional import linear

from tcmgc.factored import Factored

from .stacked_roots import products, root_images, stacked_roots

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
        ``keys`` [V, F, D]; ``basis`` [V, A, D], g3 u_a; ``roots`` [V, 3 R + 3, A], see `stacked_roots`;
        ``squares`` [V, 4], of e, of g3 e, of g3 e times b3, of b3; ``mask`` [V, F].
    """
    normed_VFD = view.layer_norm1(tokens.values)
    atoms_VAD = centred(attention_atoms(view, normed_VFD))
    moved_VAD, e_D = _moved(view, atoms_VAD * view.layer_norm2.weight), _constant(view)
    basis_VAD, shared_2D = moved_VAD * view.layer_norm3.weight, shared_vectors(view)
    V = len(basis_VAD)
    with_e = products(e_D.expand(V, 1, -1), moved_VAD)
    with_shared = products(shared_2D.expand(V, 2, -1), basis_VAD)
    end_D, bias_D = shared_2D
    squares = torch.stack(
        [(a * b).sum() for a, b in ((e_D, e_D), (end_D, end_D), (end_D, bias_D), (bias_D, bias_D))]
    )
    return {
        "keys": view.k_proj(normed_VFD),
        "basis": basis_VAD,
        "roots": stacked_roots((atoms_VAD, moved_VAD, basis_VAD), torch.cat([with_e, with_shared], dim=1)),
        "squares": squares.to(with_e.dtype).expand(V, 4),
        "mask": tokens.mask,
    }


def shared_vectors(view: Attention) -> Tensor:
    """Return what all videos share, ``g3 e`` and b3: [2, D]."""
    return torch.stack([_constant(view) * view.layer_norm3.weight, view.layer_norm3.bias])


def attention_probes(view: Attention, probes_TPD: Tensor) -> Tensor:
    """Put behind probes their products with what all videos share: [T, P, D + 2]."""
    return torch.cat([probes_TPD, probes_TPD @ shared_vectors(view).T], dim=-1)


def attention_factors(view: Attention, query_TQD: Tensor, mask_TQ: Tensor, state: State) -> Factored:
    """Pool for every query of every text, as `Attention.prepare_queries` made them.

    Returns
    -------
    Factored
        Coefficients [T, V, Q, A], laid out as [V, A, T, Q], and two that are shared by all videos.
    """
    weights_VhFt, mask = attention_weights(view, query_TQD, mask_TQ, state)
    V, heads, F, _ = weights_VhFt.shape
    basis = state["basis"]
    D = basis.shape[2]
    # The roots, and so everything up to the coefficients, are float32 at least.
    atom_VAt = weights_VhFt.reshape(V, heads * F, -1).to(state["roots"].dtype)
    (pooled, moved, whole), (moved_e, whole_e, whole_b) = root_images(state["roots"], atom_VAt, D)
    e_e, end_e, end_eb, end_b = state["squares"].unsqueeze(-1).unbind(dim=1)
    pooling = (pooled / D + view.layer_norm2.eps).rsqrt()
    variance = pooling * (pooling * moved + 2 * moved_e) + e_e
    e = (variance.clamp(min=0) / D + view.layer_norm3.eps).rsqrt()
    scale = pooling * e
    squares = scale * (scale * whole + 2 * (e * whole_e + whole_b)) + e * (e * end_e + 2 * end_eb) + end_b
    T, Q, _ = query_TQD.shape
    scale, e, norms = (each.view(V, T, Q).transpose(0, 1) for each in (scale, e, squares.clamp(min=0).sqrt()))
    return Factored(
        atom_VAt.to(basis.dtype).view(V, -1, T, Q).permute(2, 0, 3, 1),
        basis,
        norms,
        mask,
        scales=scale,
        shared=torch.stack([e, torch.ones_like(e)]),
        shared_basis=partial(shared_vectors, view),
        heads=heads,
        frames=F,
    )


def attention_atoms(view: Attention, normed_VFD: Tensor) -> Tensor:
    """Return the atoms, [V, heads F, D], the heads outermost, from tokens behind LN1.

    The weights of a head add up to 1, so that each atom bears its share of W_O's bias.
    """
    values_VFD, heads = view.v_proj(normed_VFD), view.heads
    if heads == 1:
        return cast("Tensor", view.out_proj(values_VFD))
    V, F, D = values_VFD.shape
    own_hh1 = torch.eye(heads, dtype=values_VFD.dtype, device=values_VFD.device).unsqueeze(-1)
    alone_VFhD = (values_VFD.view(V, F, 1, heads, D // heads) * own_hh1).reshape(V, F, heads, D)
    atoms: Tensor = alone_VFhD.transpose(1, 2).reshape(V, heads * F, D)
    if not isinstance(view.out_proj, nn.Linear):
        return atoms
    return linear(atoms, view.out_proj.weight, view.out_proj.bias / heads)


def attention_weights(
    view: Attention, query_TQD: Tensor, mask_TQ: Tensor, state: State
) -> tuple[Tensor, Tensor]:
    """Return softmaxes over frames for each head, [V, heads, F, T Q], so that queries lie together.

    Beside them which vectors are real, [T, V or 1, Q].
    """
    mask, attended_VF = view.attended(mask_TQ, state["mask"])
    query_tD, keys_VFD = query_TQD.reshape(-1, query_TQD.shape[2]), state["keys"]
    V, F, D = keys_VFD.shape
    if view.heads == 1:
        logits: Tensor = (keys_VFD.reshape(V * F, D) @ query_tD.T).view(V, 1, F, -1)
    else:
        key_hvd = keys_VFD.reshape(V * F, view.heads, -1).transpose(0, 1)
        query_hdt = query_tD.reshape(len(query_tD), view.heads, -1).permute(1, 2, 0)
        logits = (key_hvd @ query_hdt).view(view.heads, V, F, -1).transpose(0, 1)
    if attended_VF is not None:
        logits = logits.masked_fill(~attended_VF[:, None, :, None], -torch.inf)
    return logits.softmax(dim=2), mask


def centred(x: Tensor) -> Tensor:
    """Subtract the mean over channels."""
    return x - x.mean(dim=-1, keepdim=True)


def _moved(view: Attention, gained_VAD: Tensor) -> Tensor:
    """Send ``g2 c(v_a)`` through the linear layer and what is beside it: u_a, [V, A, D]."""
    moved_VAD = linear(gained_VAD, view.linear_proj.weight)
    return centred(moved_VAD + gained_VAD if view.residual else moved_VAD)


def _constant(view: Attention) -> Tensor:
    """Return e, [D]: what the biases add. It is no one item's, so it is not made by a matrix product."""
    layer, bias_D = view.linear_proj, view.layer_norm2.bias
    constant_D = (layer.weight * bias_D).sum(dim=1) + layer.bias
    return centred(constant_D + bias_D if view.residual else constant_D)

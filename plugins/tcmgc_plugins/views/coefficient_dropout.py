"""Dropout of what each frame adds to the linear layer's output of `Attention`, rather than of its channels.

The published ``z = LN3(o + dropout(W o + b))`` drops channels, so that z is no combination of what the video
fixes. With atoms v_a, weights w_a, gain g2 and bias b2 of LN2, and s1 as in `factored_attention`::

    W o + b = sum_a (w_a / s1) W (g2 c(v_a)) + (W b2 + b)

Here each of these A + 1 terms is dropped, independently for every pair and query, and what stays is divided
by the probability of staying: the same expectation, and z stays a combination, of 2 A + 3 vectors of the
video. The residual ``o`` is left whole, as published; so z is never without direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import dropout, linear

if TYPE_CHECKING:
    from torch import Tensor

    from .attention import Attention


def drops_coefficients(view: Attention) -> bool:
    """Whether there is any such dropout, as the view stands now."""
    return view.training and view.dropout.p > 0 and view.dropout_on == "coefficients"


def draw_scales(view: Attention, like_VAt: Tensor) -> Tensor:
    """Draw what multiplies each term: [V, A + 1, T Q] of 0 and 1 / (1 - p), the constant term's last.

    It is drawn from PyTorch's generator of the device, as `torch.nn.Dropout` draws.

    Parameters
    ----------
    view
        The view.
    like_VAt
        [V, A, T Q], for its shape, type and device.
    """
    V, A, t = like_VAt.shape
    return dropout(like_VAt.new_ones(V, A + 1, t), view.dropout.p)


def separate_rows(view: Attention, gained_VAD: Tensor) -> Tensor:
    """Return the vectors that the terms are made of: ``g2 c(v_a)``, ``W (g2 c(v_a))``, ``W b2 + b``, ``b2``.

    Parameters
    ----------
    view
        The view, with a residual.
    gained_VAD
        ``g2 c(v_a)``, [V, A, D].

    Returns
    -------
    Tensor
        [V, 2 A + 2, D].
    """
    V, _, D = gained_VAD.shape
    projected_VAD = linear(gained_VAD, view.linear_proj.weight)
    bias_D = view.layer_norm2.bias
    constants_2D = torch.stack([view.linear_proj(bias_D), bias_D])
    return torch.cat([gained_VAD, projected_VAD, constants_2D.expand(V, 2, D)], dim=1)


def separate_coefficients(view: Attention, scaled_VAt: Tensor) -> Tensor:
    """Return the coefficients of `separate_rows`, some of them dropped.

    Parameters
    ----------
    view
        The view.
    scaled_VAt
        ``w_a / s1``, [V, A, T Q].

    Returns
    -------
    Tensor
        [V, 2 A + 2, T Q].
    """
    A = scaled_VAt.shape[1]
    scales_VAt = draw_scales(view, scaled_VAt)
    dropped_VAt = scaled_VAt * scales_VAt[:, :A]
    constant_V1t = scales_VAt[:, A:]
    return torch.cat([scaled_VAt, dropped_VAt, constant_V1t, torch.ones_like(constant_V1t)], dim=1)


def dense_projection(view: Attention, weights: Tensor, value_VFhd: Tensor, pooled: Tensor) -> Tensor:
    """Return the linear layer's output with terms dropped, the vectors made: the factored form's oracle.

    Parameters
    ----------
    view
        The view.
    weights
        Of the attention, [T, V, Q, heads, F].
    value_VFhd
        [V, F, heads, D / heads].
    pooled
        [T, V, Q, D], what enters LN2.

    Returns
    -------
    Tensor
        [T, V, Q, D].
    """
    T, V, Q, heads, F = weights.shape
    scales_VAt = draw_scales(view, weights.new_empty(V, heads * F, T * Q))
    scales = scales_VAt.view(V, heads * F + 1, T, Q).permute(2, 0, 3, 1)
    kept = weights * scales[..., :-1].reshape(weights.shape)
    left = torch.einsum("tvqhf,vfhd->tvqhd", kept, value_VFhd).flatten(start_dim=-2)
    if isinstance(view.out_proj, nn.Linear):
        shares = kept.sum(dim=(-2, -1)).unsqueeze(-1) / heads
        left = linear(left, view.out_proj.weight) + shares * view.out_proj.bias
    norm = view.layer_norm2
    deviation = (pooled.var(dim=-1, correction=0, keepdim=True) + norm.eps).sqrt()
    moved = linear(
        (left - left.mean(dim=-1, keepdim=True)) / deviation * norm.weight, view.linear_proj.weight
    )
    projected: Tensor = moved + scales[..., -1:] * view.linear_proj(norm.bias)
    return projected

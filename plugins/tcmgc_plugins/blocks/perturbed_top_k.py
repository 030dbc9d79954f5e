"""Differentiable top-k: the mean of the choices under noise.

Source: Cordonnier et al., Differentiable Patch Selection, arXiv:2104.03059, as UCoFiA, arXiv:2309.10091,
releases it; the gradient is that of Berthet et al., arXiv:2002.08676.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK = 2**24
"""Perturbed scores that are held at a time."""


class Noise(Protocol):
    """Gives the noise of rows, [R, S, L] or, the same for all, [1, S, L], of standard deviation 1."""

    def __call__(self, rows: slice) -> Tensor:
        """Return the noise of a slice of the rows."""
        ...


def top_k_places(scores: Tensor, k: int) -> Tensor:
    """Return the places of the k largest along the last dimension, in ascending order: [..., k]."""
    return scores.topk(k, dim=-1).indices.sort(dim=-1).values


def top_k_indicator(scores_RL: Tensor, k: int) -> Tensor:
    """Mark the k largest of every row: [R, k, L], row j of it 1 at the j-th of their places, which ascend."""
    places_RK1 = top_k_places(scores_RL, k).unsqueeze(-1)
    R, L = scores_RL.shape
    return scores_RL.new_zeros(R, k, L).scatter(2, places_RK1, 1)


class _PerturbedTopK(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores_RL: Tensor, noise: Noise, k: int, samples: int, std: float) -> Tensor:
        R, L = scores_RL.shape
        indicator_RKL = scores_RL.new_zeros(R, k, L)
        noise_at_RKL = torch.zeros_like(indicator_RKL)
        step = max(1, CHUNK // (samples * L))
        for start in range(0, R, step):
            rows = slice(start, min(start + step, R))
            noise_rSL = noise(rows).to(scores_RL).expand(rows.stop - start, -1, -1)
            places_rKS = top_k_places(scores_RL[rows, None] + std * noise_rSL, k).transpose(1, 2)
            ones = scores_RL.new_ones(()).expand(places_rKS.shape)
            # Sums over samples, without one-hot vectors of [R, S, k, L].
            indicator_RKL[rows].scatter_add_(2, places_rKS, ones)
            found_rKS = noise_rSL.gather(2, places_rKS.transpose(1, 2)).transpose(1, 2)
            noise_at_RKL[rows].scatter_add_(2, places_rKS, found_rKS)
        ctx.save_for_backward(noise_at_RKL / (samples * std))
        return indicator_RKL / samples

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_RKL: Tensor) -> tuple[Tensor | None, ...]:
        (noise_at_RKL,) = ctx.saved_tensors
        return (gradient_RKL * noise_at_RKL).sum(dim=1), None, None, None, None


def perturbed_top_k(scores_RL: Tensor, noise: Noise, *, k: int, samples: int, std: float) -> Tensor:
    """Return the mean over samples of `top_k_indicator` of scores plus noise.

    Parameters
    ----------
    scores_RL
        R rows of L scores.
    noise
        The draws; asked for slice by slice, in order.
    k
        How many, at most L.
    samples
        S, the draws.
    std
        Standard deviation of the noise, > 0.

    Returns
    -------
    Tensor
        [R, k, L]; every [R, j] sums to 1. Its gradient to the scores is an estimate, the mean over samples
        of choice times noise, entry by entry, divided by ``std``: no derivative of what is returned.
    """
    return _PerturbedTopK.apply(scores_RL, noise, k, samples, std)  # type: ignore[no-any-return]

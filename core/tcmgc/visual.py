"""Visual vectors of (text, video) pairs, in the form that costs least.

A granularity never asks for the vectors themselves: it asks for their norms and for their dot products
with probes. So a form may leave out what it does not need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class Visual(Protocol):
    """Q visual vectors for every pair of T texts and V videos."""

    @property
    def mask(self) -> Tensor | None:
        """Say which are real: bool, broadcastable to [T, V, Q]; None where all are."""
        ...

    def dot(self, probes: Tensor) -> Tensor:
        """Dot products with probes [T, P, D]: [T, V, P, Q]."""
        ...

    def normalized(self, *, skip_padding: bool) -> Visual:
        """Return the same vectors at unit L2 norm; those of padding may be anything where it is skipped."""
        ...

    def vectors(self) -> Tensor:
        """Return the vectors, [V, Q, D] where no text conditions them and else [T, V, Q, D]."""
        ...

    def attention(self) -> Tensor | None:
        """Return the weights over frames that made each vector, [T, V, Q, F]; None where there are none."""
        ...


@dataclass(frozen=True)
class Shared:
    """Vectors that no text conditions: values [V, Q, D], mask [V, Q] or None."""

    values: Tensor
    token_mask: Tensor | None = None

    @property
    def mask(self) -> Tensor | None:
        """[1, V, Q] or None."""
        return None if self.token_mask is None else self.token_mask.unsqueeze(0)

    def dot(self, probes: Tensor) -> Tensor:
        """Dot products with probes [T, P, D], as one matrix product: [T, V, P, Q]."""
        T, P, D = probes.shape
        V, Q, _ = self.values.shape
        flat = probes.reshape(T * P, D) @ self.values.reshape(V * Q, D).T
        return flat.reshape(T, P, V, Q).transpose(1, 2)

    def normalized(self, *, skip_padding: bool) -> Shared:
        """Return the same vectors at unit L2 norm; those of padding are arbitrary where it is skipped."""
        return Shared(unit(self.values, self.token_mask if skip_padding else None), self.token_mask)

    def vectors(self) -> Tensor:
        """[V, Q, D]."""
        return self.values

    def attention(self) -> None:
        """None: no text chose among the frames."""
        return


@dataclass(frozen=True)
class Dense:
    """Vectors of every pair: values [T, V, Q, D]. The oracle of every cheaper form.

    ``mask`` is bool, broadcastable to [T, V, Q]; ``weights`` are the weights over frames, [T, V, Q, F].
    """

    values: Tensor
    mask: Tensor | None = None
    weights: Tensor | None = None

    def dot(self, probes: Tensor) -> Tensor:
        """Dot products with probes [T, P, D]: [T, V, P, Q]."""
        return torch.einsum("tpd,tvqd->tvpq", probes, self.values)

    def normalized(self, *, skip_padding: bool) -> Dense:
        """Return the same vectors at unit L2 norm."""
        return Dense(unit(self.values), self.mask, self.weights)

    def vectors(self) -> Tensor:
        """[T, V, Q, D]."""
        return self.values

    def attention(self) -> Tensor | None:
        """[T, V, Q, F], averaged over heads, or None."""
        return self.weights


def unit(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Divide by the L2 norm over the last dimension, without an epsilon, as all the methods here do.

    Parameters
    ----------
    values
        [..., D].
    mask
        [...] bool, or None. What it leaves out becomes an arbitrary unit vector: a zero vector in padding
        would be NaN, and in a gradient NaN survives every later mask.
    """
    if mask is not None:
        values = values.masked_fill(~mask.unsqueeze(-1), 1)
    norms: Tensor = torch.linalg.vector_norm(values, dim=-1, keepdim=True)
    return values / norms

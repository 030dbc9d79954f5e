"""Visual vectors that are combinations of a few vectors of their video, and stay so.

``z = sum_a c_a B_a``: A coefficients for every pair and query, a basis of A vectors for every video. A dot
product is one with the basis, a norm a quadratic form in the coefficients; no D-vector of a pair is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from .visual import Dense

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Factored:
    """Vectors as coefficients of a basis: exactly those of a `Dense`, at a fraction of its arithmetic.

    Parameters
    ----------
    coefficients
        [T, V, Q, A]. Best laid out in memory as [V, A, T, Q], which makes matrix products of everything.
    basis
        [V, A, D].
    root
        [V, R, A] with ``root^T root = basis basis^T``: see `gram_root`.
    mask
        bool, broadcastable to [T, V, Q], True where a vector is real; None where all are.
    heads, frames
        The first ``heads * frames`` coefficients, heads outermost, are each head's weights over F frames,
        up to a factor that is each vector's own; without frames, there are no such weights.
    """

    coefficients: Tensor
    basis: Tensor
    root: Tensor
    mask: Tensor | None = None
    heads: int = 1
    frames: int = 0

    def dot(self, probes: Tensor) -> Tensor:
        """Dot products with probes [T, P, D]: [T, V, P, Q].

        The basis is asked by every probe, (P D + P Q) A multiplications a pair; where that is more than
        making Q vectors and asking those, Q A D + P Q D, the vectors are made, of this tile alone.
        """
        T, P, D = probes.shape
        V, A, _ = self.basis.shape
        Q = self.coefficients.shape[2]
        if Q * D * (A + P) < P * A * (D + Q):
            vectors_VTQD = self._along_videos() @ self.basis
            vectors_TDVQ = vectors_VTQD.view(V, T, Q, D).permute(1, 3, 0, 2).reshape(T, D, V * Q)
            return (probes @ vectors_TDVQ).view(T, P, V, Q).transpose(1, 2)
        asked = probes.reshape(T * P, D) @ self.basis.reshape(V * A, D).T
        asked_TVPA = asked.view(T, P, V, A).transpose(1, 2)
        return asked_TVPA @ self.coefficients.transpose(-1, -2)

    def normalized(self, *, skip_padding: bool) -> Factored:
        """Return the same vectors at unit L2 norm."""
        norms_TVQ1 = combination_norm(self.root, self.coefficients).unsqueeze(-1)
        return replace(self, coefficients=(self.coefficients / norms_TVQ1).to(self.coefficients.dtype))

    def vectors(self) -> Tensor:
        """[T, V, Q, D], which is what this form avoids: for interactions that look at the vectors."""
        T, V, Q, _ = self.coefficients.shape
        return (self._along_videos() @ self.basis).view(V, T, Q, -1).transpose(0, 1)

    def attention(self) -> Tensor | None:
        """[T, V, Q, F], averaged over heads, or None. The weights of a head add up to 1."""
        if not self.frames:
            return None
        T, V, Q, _ = self.coefficients.shape
        shares = self.coefficients[..., : self.heads * self.frames]
        shares = shares.reshape(T, V, Q, self.heads, self.frames)
        averaged: Tensor = (shares / shares.sum(dim=-1, keepdim=True)).mean(dim=-2)
        return averaged

    def dense(self) -> Dense:
        """Return the same vectors, made."""
        return Dense(self.vectors(), self.mask, self.attention())

    def _along_videos(self) -> Tensor:
        """Return the coefficients as a matrix a video, [V, T Q, A]."""
        T, V, Q, A = self.coefficients.shape
        return self.coefficients.permute(1, 0, 2, 3).reshape(V, T * Q, A)


def gram_root(rows_VAD: Tensor) -> Tensor:
    """Return R with ``R^T R = rows rows^T``, so that ``|sum_a c_a row_a| = |R c|``.

    R is the triangle of a QR decomposition. A quadratic form in the Gram matrix itself loses half of all
    digits where rows cancel, as two opposite frames do; R c loses none that the sum of the rows keeps.
    Rows may be dependent (repeated frames): no rank is asked for, in gradients neither.

    Parameters
    ----------
    rows_VAD
        [V, A, D].

    Returns
    -------
    Tensor
        [V, min(A, D), A], float32 at least.
    """
    columns_VDA = rows_VAD.transpose(-1, -2)
    if columns_VDA.dtype in (torch.float16, torch.bfloat16):
        columns_VDA = columns_VDA.float()
    with torch.autocast(rows_VAD.device.type, enabled=False):
        if not (torch.is_grad_enabled() and rows_VAD.requires_grad):
            triangle_VRA: Tensor = torch.linalg.qr(columns_VDA, mode="r").R
            return triangle_VRA
        # Q^T rows^T is R, and with Q held constant its gradient is right: a change of the rows that Q does
        # not span changes no norm at first order. The decomposition's own gradient would need full rank.
        q_VDR = torch.linalg.qr(columns_VDA.detach()).Q
        root_VRA: Tensor = q_VDR.transpose(-1, -2) @ columns_VDA
        return root_VRA


def combination_norm(root: Tensor, coefficients: Tensor) -> Tensor:
    """Return the L2 norms of ``sum_a c_a row_a``.

    Parameters
    ----------
    root
        [V, R, A], of `gram_root`.
    coefficients
        [T, V, Q, A].

    Returns
    -------
    Tensor
        [T, V, Q].
    """
    T, V, Q, A = coefficients.shape
    with torch.autocast(root.device.type, enabled=False):
        image_VRt = root @ coefficients.permute(1, 3, 0, 2).reshape(V, A, T * Q).to(root.dtype)
        return image_VRt.square().sum(dim=1).sqrt().view(V, T, Q).transpose(0, 1)

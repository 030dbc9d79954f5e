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
    from collections.abc import Callable

    from torch import Tensor


@dataclass(frozen=True)
class Factored:
    """Vectors as coefficients of a basis: exactly those of a `Dense`, at a fraction of its arithmetic.

    A vector is ``scale sum_a c_a B_a + sum_s d_s S_s``.

    Parameters
    ----------
    coefficients
        [T, V, Q, A]. Best laid out in memory as [V, A, T, Q], which makes matrix products of everything.
    basis
        [V, A, D].
    norms
        [T, V, Q], the vectors' L2 norms: see `gram_root` and `combination_norm`.
    mask
        bool, broadcastable to [T, V, Q], True where a vector is real; None where all are.
    scales
        [T, V, Q], what multiplies a vector's coefficients; None for 1.
    shared
        [S, T, V, Q], coefficients of S vectors that all videos share; None without any.
    shared_basis
        Returns those vectors, [S, D].
    heads, frames
        The first ``heads * frames`` coefficients, heads outermost, are each head's weights over F frames,
        up to a factor that is each vector's own; without frames, there are no such weights.
    """

    coefficients: Tensor
    basis: Tensor
    norms: Tensor
    mask: Tensor | None = None
    scales: Tensor | None = None
    shared: Tensor | None = None
    shared_basis: Callable[[], Tensor] | None = None
    heads: int = 1
    frames: int = 0

    def dot(self, probes: Tensor) -> Tensor:
        """Dot products with probes [T, P, D + S], as `FactoredView.prepare_probes` made them: [T, V, P, Q].

        The basis is asked by every probe, (P D + P Q) A multiplications a pair; where that is more than
        making Q sums and asking those, Q A D + P Q D, the sums are made, of this tile alone.
        """
        V, A, D = self.basis.shape
        asking, of_shared_TPS = probes[..., :D], probes[..., D:]
        T, P, S = of_shared_TPS.shape
        Q = self.coefficients.shape[2]
        if Q * D * (A + P) < P * A * (D + Q):
            sums_TDVQ = self._sums().view(V, T, Q, D).permute(1, 3, 0, 2).reshape(T, D, V * Q)
            return self._complete((asking @ sums_TDVQ).view(T, P, V, Q).transpose(1, 2), of_shared_TPS)
        asked = asking.reshape(T * P, D) @ self.basis.reshape(V * A, D).T
        asked_TVPA = asked.view(T, P, V, A).transpose(1, 2)
        if A + S >= P:
            return self._complete(asked_TVPA @ self.coefficients.transpose(-1, -2), of_shared_TPS)
        # Coefficients are fewer than products: they are scaled, with the shared ones behind them.
        if S:
            asked_TVPA = torch.cat([asked_TVPA, of_shared_TPS.unsqueeze(1).expand(-1, V, -1, -1)], dim=-1)
        return asked_TVPA @ self._scaled().transpose(-1, -2)

    def _complete(self, products_TVPQ: Tensor, of_shared_TPS: Tensor) -> Tensor:
        """Scale products with the sums, and add those with the shared vectors."""
        if self.scales is not None:
            products_TVPQ = products_TVPQ * self.scales.unsqueeze(2)
        if self.shared is not None:
            for asked_TP, share_TVQ in zip(of_shared_TPS.unbind(dim=-1), self.shared, strict=True):
                products_TVPQ = torch.addcmul(
                    products_TVPQ, asked_TP[:, None, :, None], share_TVQ.unsqueeze(2)
                )
        return products_TVPQ

    def _scaled(self) -> Tensor:
        """Return all coefficients, [T, V, Q, A + S], laid out as [V, A + S, T, Q]."""
        by_atom = self.coefficients.permute(1, 3, 0, 2)
        if self.scales is not None:
            by_atom = by_atom * self.scales.transpose(0, 1).unsqueeze(1)
        if self.shared is not None:
            by_atom = torch.cat([by_atom, self.shared.permute(2, 0, 1, 3)], dim=1)
        return by_atom.permute(2, 0, 3, 1)

    def normalized(self, *, skip_padding: bool) -> Factored:
        """Return the same vectors at unit L2 norm."""
        dtype = self.coefficients.dtype
        scales = (1 if self.scales is None else self.scales) / self.norms
        shared = None if self.shared is None else (self.shared / self.norms).to(dtype)
        return replace(self, scales=scales.to(dtype), shared=shared, norms=torch.ones_like(self.norms))

    def queries(self, places: slice) -> Factored:
        """Return the vectors at some places of Q."""
        mask = self.mask
        if mask is not None:
            mask = mask.expand(*mask.shape[:-1], self.norms.shape[-1])[..., places]
        return replace(
            self,
            coefficients=self.coefficients[:, :, places],
            norms=self.norms[..., places],
            mask=mask,
            scales=None if self.scales is None else self.scales[..., places],
            shared=None if self.shared is None else self.shared[..., places],
        )

    def vectors(self) -> Tensor:
        """[T, V, Q, D], which is what this form avoids: for interactions that look at the vectors."""
        T, V, Q, _ = self.coefficients.shape
        sums = self._sums().view(V, T, Q, -1).transpose(0, 1)
        if self.scales is not None:
            sums = sums * self.scales.unsqueeze(-1)
        if self.shared is None or self.shared_basis is None:
            return sums
        return sums + torch.einsum("stvq,sd->tvqd", self.shared, self.shared_basis())

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

    def _sums(self) -> Tensor:
        """Sum the basis by the coefficients, a matrix product a video: [V, T Q, D]."""
        T, V, Q, A = self.coefficients.shape
        return self.coefficients.permute(1, 0, 2, 3).reshape(V, T * Q, A) @ self.basis


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

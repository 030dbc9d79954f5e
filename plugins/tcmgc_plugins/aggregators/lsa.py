"""Linear softmax aggregation (LSA)."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tcmgc import Size


class LinearSoftmax(nn.Module):
    """``sum_k softmax(c U)_k c_k`` with a learned K x K matrix U.

    The released code uses U without defining it, so that it starts as identity is our assumption.
    The scores bear the logit scale already: near the identity this is close to a maximum.

    Parameters
    ----------
    parts
        K, injected.
    """

    paper: ClassVar[str] = "TC-MGC, arXiv:2504.04707, linear softmax aggregation (LSA)"

    def __init__(self, *, parts: Size) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(parts))

    def forward(self, parts: Tensor) -> Tensor:
        """[T, V, K] to [T, V]."""
        return ((parts @ self.matrix).softmax(dim=-1) * parts).sum(dim=-1)

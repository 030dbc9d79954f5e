"""Matrix products of inputs in float32, or rounded to bfloat16, with sums in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import torch

if TYPE_CHECKING:
    from torch import Tensor

Inputs: TypeAlias = Literal["float32", "bfloat16"]


def product(a: Tensor, b: Tensor, inputs: Inputs) -> Tensor:
    """Multiply matrices [M, K] and [K, N]: [M, N], float32.

    Parameters
    ----------
    a, b
        float32.
    inputs
        ``float32``: PyTorch's product, TF32 where ``torch.backends.cuda.matmul.allow_tf32`` says so.
        ``bfloat16``: inputs are rounded to 8 bits, sums are float32.
    """
    if inputs == "float32":
        return a @ b
    a, b = a.bfloat16(), b.bfloat16()
    if a.device.type == "cuda":
        return torch.mm(a, b, out_dtype=torch.float32)
    return a.float() @ b.float()

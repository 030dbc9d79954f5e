"""Softmax over what a mask leaves."""

import torch
from torch import Tensor


def masked_softmax(logits: Tensor, mask: Tensor | None, dim: int = -1) -> Tensor:
    """Softmax over a dimension of the entries that the mask keeps; 0 where it keeps none."""
    if mask is None:
        return logits.softmax(dim=dim)
    # A finite fill: rows without any real entry must give 0, not NaN, in values and in gradients.
    lowest = torch.finfo(logits.dtype).min
    return logits.masked_fill(~mask, lowest).softmax(dim=dim) * mask

"""Similarities of padding in front of a maximum, as DRL releases it and as it should be."""

from typing import Literal

import torch
from torch import Tensor


def fill_padding(similarity: Tensor, mask: Tensor, masked: Literal["zero", "exclude"]) -> Tensor:
    """Replace the similarities that a mask leaves out.

    Parameters
    ----------
    similarity
        Any shape.
    mask
        bool, broadcastable to it, True where both sides are real.
    masked
        ``zero``: by 0, which wins where all real ones are negative; ``exclude``: by minus infinity.

    Returns
    -------
    Tensor
        Of the shape of ``similarity``.
    """
    return similarity.masked_fill(~mask, 0.0 if masked == "zero" else -torch.inf)

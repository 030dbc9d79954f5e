"""What the reorganizers share: how many entries stay, and choosing them under a mask."""

import warnings

import torch
from torch import Tensor

from .selection_network import k_largest


class KeepRateWarning(UserWarning):
    """A keep rate keeps less than one entry."""


def kept_count(keep_rate: float, length: int) -> int:
    """Return ``int(keep_rate * length)`` as the released code counts, and at least 1.

    Warns
    -----
    KeepRateWarning
        When it had to be raised to 1.
    """
    kept = int(keep_rate * length)
    if kept < 1:
        warnings.warn(
            f"keep_rate {keep_rate} of {length} entries keeps none; 1 is kept", KeepRateWarning, stacklevel=3
        )
        return 1
    return kept


def sort_descending(values: Tensor, mask: Tensor | None, dim: int) -> tuple[Tensor, Tensor | None]:
    """Sort along a dimension, masked entries last.

    Parameters
    ----------
    values
        Any shape.
    mask
        bool, broadcastable to it, True where real; or None.
    dim
        The dimension.

    Returns
    -------
    tuple
        Sorted values, where masked entries keep their values, and the sorted mask (None for None).
    """
    if mask is None:
        return values.sort(dim=dim, descending=True).values, None
    mask = mask.expand(values.shape)
    order = values.masked_fill(~mask, -torch.inf).argsort(dim=dim, descending=True)
    return values.gather(dim, order), mask.gather(dim, order)


def top(values: Tensor, mask: Tensor | None, k: int, dim: int) -> tuple[Tensor, Tensor | None]:
    """Keep the k largest along a dimension, sorted descending.

    Parameters
    ----------
    values
        Any shape.
    mask
        bool, broadcastable to it, True where real; or None.
    k
        How many.
    dim
        The dimension.

    Returns
    -------
    tuple
        Values, and their mask (None for None): masked ones are kept only where others run out, and are 0.
    """
    if mask is None:
        return _largest(values, k, dim), None
    lowest = torch.finfo(values.dtype).min
    kept = _largest(values.masked_fill(~mask, lowest), k, dim)
    real = kept != lowest
    return kept.masked_fill(~real, 0), real


def needs_gradient(values: Tensor) -> bool:
    """Whether a gradient will be asked for, which the shorter ways without sorting are not made for."""
    return torch.is_grad_enabled() and values.requires_grad


def _largest(values: Tensor, k: int, dim: int) -> Tensor:
    # A gradient through the network would keep all its steps, and be halved between equal entries.
    return values.topk(k, dim=dim).values if needs_gradient(values) else k_largest(values, k, dim)

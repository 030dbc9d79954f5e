"""Mean of the parts."""

from typing import ClassVar

from torch import Tensor


class Mean:
    """The mean of the granularities' scores."""

    paper: ClassVar[str] = "X-CLIP, arXiv:2207.07285"

    def __call__(self, parts: Tensor) -> Tensor:
        """[T, V, K] to [T, V]."""
        return parts.mean(dim=-1)

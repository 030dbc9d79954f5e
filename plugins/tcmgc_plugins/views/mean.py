"""Mean pooling."""

from typing import ClassVar

import torch

from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Shared, unit


class Mean:
    """One vector a video: the mean of its tokens, ``sum_f m_f n(f) / sum_f m_f``.

    Parameters
    ----------
    normalize
        Bring every token to unit norm before the mean, as the published methods do.
    masked
        Leave padding out. A video without any real token then has no mean: its vector is 0, and masked.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, parameter-free type (meanP)"
    text_conditioned: ClassVar[bool] = False

    def __init__(self, *, normalize: bool = True, masked: bool = True) -> None:
        self.normalize = normalize
        self.masked = masked

    def vectors(self, queries: int, tokens: int) -> int:
        """One."""
        return 1

    def prepare(self, tokens: Tokens) -> State:
        """Pool values [V, L, D] to [V, 1, D], with a mask [V, 1]."""
        padding = tokens.mask if self.masked else None
        values = unit(tokens.values, padding) if self.normalize else tokens.values
        if not self.masked:
            mean = values.mean(dim=1, keepdim=True)
            return {"mean": mean, "mask": torch.ones_like(mean[..., 0], dtype=torch.bool)}
        weights_VL1 = tokens.mask.unsqueeze(-1).to(values.dtype)
        # Padding may hold anything, so it is replaced rather than multiplied by 0.
        kept = values.masked_fill(~tokens.mask.unsqueeze(-1), 0)
        counts_V11 = weights_VL1.sum(dim=1, keepdim=True)
        return {
            "mean": kept.sum(dim=1, keepdim=True) / counts_V11.clamp(min=1),
            "mask": tokens.mask.any(dim=1, keepdim=True),
        }

    def __call__(self, queries: Tokens | None, state: State) -> Shared:
        """[V, 1, D], not normalised."""
        return Shared(state["mean"], state["mask"])

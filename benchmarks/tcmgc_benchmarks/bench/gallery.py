"""Synthetic features of a given shape: what scoring costs does not depend on what is in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tcmgc import Sizes, TextFeatures, Tokens, VideoFeatures


@dataclass(frozen=True)
class Gallery:
    """The shapes of a gallery.

    Parameters
    ----------
    texts, videos
        T and V.
    words, frames
        W and F, all of them real.
    dim
        D.
    """

    texts: int
    videos: int
    words: int
    frames: int
    dim: int

    @property
    def sizes(self) -> Sizes:
        """What a model is built for."""
        return Sizes(self.dim, self.words, self.frames)

    def features(self, dtype: torch.dtype, device: str, seed: int = 0) -> tuple[TextFeatures, VideoFeatures]:
        """Draw them, T texts and V videos, all normally distributed."""
        generator = torch.Generator().manual_seed(seed)

        def draw(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, self.dim, generator=generator).to(device, dtype)

        return (
            TextFeatures(draw(self.texts), Tokens.full(draw(self.texts, self.words))),
            VideoFeatures(Tokens.full(draw(self.videos, self.frames))),
        )

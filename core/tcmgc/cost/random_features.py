"""Features of given sizes: what scoring costs does not depend on what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.features import TextFeatures, Tokens, VideoFeatures

if TYPE_CHECKING:
    from tcmgc.model import RetrievalModel


def random_features(
    model: RetrievalModel, texts: int, videos: int, seed: int = 0
) -> tuple[TextFeatures, VideoFeatures]:
    """Draw what a model reads, normally distributed and without padding, on its device and in its dtype.

    Parameters
    ----------
    model
        Its sizes and its inputs are what is drawn.
    texts, videos
        T and V.
    seed
        Of the drawing.
    """
    sizes, like = model.sizes, model.logit_scale
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, sizes.dim, generator=generator).to(like.device, like.dtype)

    extra = {}
    if "patches" in model.inputs:
        extra["patches"] = Tokens.full(draw(videos, sizes.max_patches))
    return (
        TextFeatures(draw(texts), Tokens.full(draw(texts, sizes.max_words))),
        VideoFeatures(Tokens.full(draw(videos, sizes.max_frames)), extra=extra),
    )

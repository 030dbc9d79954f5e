"""Galleries at the edge of what a norm and a softmax can bear."""

from __future__ import annotations

import torch

from tcmgc import TextFeatures, Tokens, VideoFeatures

VIDEOS, WORDS, FRAMES, DIM = 6, 8, 5, 32
STILL, REPEATED, OPPOSITE, ONE, ALMOST = range(5)
"""Videos at the edge; the last one is plain."""
LENGTHS = (3, WORDS, 1, 2, 5, 4)


def edge_galleries(
    texts: int, dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[TextFeatures, VideoFeatures]:
    """Make ragged texts, six at the most, and videos whose variances, ranks and sums are all but nothing."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, DIM, generator=generator, dtype=torch.float64)

    frames_VFD = random(VIDEOS, FRAMES)
    frames_VFD[STILL] = frames_VFD[STILL, :1]
    frames_VFD[REPEATED, 2:] = frames_VFD[REPEATED, :1]
    frames_VFD[OPPOSITE, 1::2] = -frames_VFD[OPPOSITE, 0]
    frames_VFD[OPPOSITE, 2::2] = frames_VFD[OPPOSITE, 0]
    frames_VFD[ALMOST] = frames_VFD[ALMOST, :1] + 1e-4 * frames_VFD[ALMOST]
    frame_mask = torch.ones(VIDEOS, FRAMES, dtype=torch.bool)
    frame_mask[ONE, 1:] = False
    frame_mask[-1, 3:] = False
    word_mask = torch.arange(WORDS) < torch.tensor(LENGTHS[:texts]).unsqueeze(1)
    text = TextFeatures(random(texts), Tokens(random(texts, WORDS), word_mask))
    return text.to(dtype=dtype), VideoFeatures(Tokens(frames_VFD, frame_mask)).to(dtype=dtype)

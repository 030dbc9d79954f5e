"""An oracle that knows when a caption happens, against pooling over the whole video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tcmgc.visual import unit

if TYPE_CHECKING:
    from torch import Tensor

    from tcmgc.data.frames import SplitFrames


def pooled_scores(sentence_TD: Tensor, frames_VFD: Tensor, weights_TVF: Tensor) -> Tensor:
    """Cosine of each sentence and the weighted mean of each video's normalised frames.

    Parameters
    ----------
    sentence_TD, frames_VFD
        Features, not normalised.
    weights_TVF
        How much each frame counts for each pair; a broadcastable first dimension of 1 for all texts.

    Returns
    -------
    Tensor
        [T, V].
    """
    pooled_TVD = torch.einsum("tvf,vfd->tvd", weights_TVF, unit(frames_VFD))
    return torch.einsum("td,tvd->tv", unit(sentence_TD), unit(pooled_TVD))


def moment_weights(data: SplitFrames, captions: slice) -> Tensor:
    """1 for the frames of every video that lie in a caption's moments, [T, V, F].

    The oracle is told when its caption happens in the right video, and looks at the same seconds of every
    other. A video that has no frame there is looked at as a whole.
    """
    times_VF = torch.from_numpy(data.times).nan_to_num(nan=-1.0)
    mask_VF = torch.from_numpy(data.mask)
    rows = []
    for caption in data.split.captions[captions]:
        inside = torch.zeros_like(mask_VF)
        for moment in caption.moments:
            inside |= (times_VF >= moment.start) & (times_VF < moment.end)
        inside &= mask_VF
        rows.append(torch.where(inside.any(dim=1, keepdim=True), inside, mask_VF))
    return torch.stack(rows).float()


def oracle_scores(sentence_TD: Tensor, frames_VFD: Tensor, data: SplitFrames, block: int = 64) -> Tensor:
    """Scores of the oracle, [T, V], in blocks of captions."""
    return torch.cat(
        [
            pooled_scores(sentence_TD[rows], frames_VFD, moment_weights(data, rows))
            for rows in (slice(start, start + block) for start in range(0, len(sentence_TD), block))
        ]
    )


def mean_scores(sentence_TD: Tensor, frames_VFD: Tensor, data: SplitFrames) -> Tensor:
    """Scores of pooling over all frames, [T, V]."""
    weights_VF = torch.from_numpy(data.mask).float()
    return torch.einsum(
        "td,vd->tv",
        unit(sentence_TD),
        unit(torch.einsum("vf,vfd->vd", weights_VF, unit(frames_VFD))),
    )

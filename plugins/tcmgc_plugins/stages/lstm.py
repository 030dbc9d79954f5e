"""LSTM over frames (seqLSTM)."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from tcmgc import Size
from tcmgc.features import VideoFeatures


class TemporalLSTM(nn.Module):
    """Frames through a one-layer LSTM, forwards, plus the frames themselves.

    ``f' = lstm(f) + f``; hidden width D, start state zero, no positions. Frames enter and leave
    un-normalised. A padded frame is passed over, wherever it stands: the LSTM reads the real frames in their
    order, and the padded one stays as it is.

    Parameters
    ----------
    dim
        Injected.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, sequential type (seqLSTM)"

    def __init__(self, *, dim: Size) -> None:
        super().__init__()
        self.lstm = nn.LSTM(dim, dim, batch_first=True)

    def forward(self, features: VideoFeatures) -> VideoFeatures:
        """Replace `VideoFeatures.frames`, [V, F, D]."""
        frames = features.frames
        real_first_VF = frames.mask.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
        hidden_VFD, _ = self.lstm(_reordered(frames.values, real_first_VF))
        hidden_VFD = _reordered(hidden_VFD, real_first_VF.argsort(dim=1))
        hidden_VFD = hidden_VFD.masked_fill(~frames.mask.unsqueeze(-1), 0)
        return features.with_frames(hidden_VFD + frames.values)


def _reordered(values_VFD: Tensor, places_VF: Tensor) -> Tensor:
    """[V, F, D]: of every video, the vectors at its places."""
    return values_VFD.gather(1, places_VF.unsqueeze(-1).expand_as(values_VFD))

"""LSTM over frames (seqLSTM)."""

from typing import ClassVar

from torch import nn

from tcmgc import Size
from tcmgc.features import VideoFeatures


class TemporalLSTM(nn.Module):
    """Frames through a one-layer LSTM, forwards, plus the frames themselves.

    ``f' = lstm(f) + f``; hidden width D, start state zero, no positions. Frames enter and leave
    un-normalised. A padded frame comes after all real ones, changes none of them, and stays as it is.

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
        hidden_VFD, _ = self.lstm(frames.values)
        hidden_VFD = hidden_VFD.masked_fill(~frames.mask.unsqueeze(-1), 0)
        return features.with_frames(hidden_VFD + frames.values)

"""The LSTM over frames reads the real ones alone, in their order, wherever padding stands."""

from __future__ import annotations

import torch

from tcmgc import Tokens, VideoFeatures
from tcmgc_plugins.stages.lstm import TemporalLSTM

F, D = 5, 4
PLACES = [[0, 1, 2, 3, 4], [0, 1], [0, 2, 4], [3], [1, 4], []]


def test_padded_frames_are_passed_over() -> None:
    """Every video against an LSTM over its real frames alone."""
    torch.manual_seed(0)
    stage = TemporalLSTM(dim=D).double()
    values = torch.randn(len(PLACES), F, D, dtype=torch.float64)
    mask = torch.zeros(len(PLACES), F, dtype=torch.bool)
    for v, real in enumerate(PLACES):
        mask[v, real] = True
    found = stage(VideoFeatures(Tokens(values, mask))).frames
    assert torch.equal(found.mask, mask)
    for v, real in enumerate(PLACES):
        expected = values[v].clone()
        if real:
            hidden, _ = stage.lstm(values[v, real][None])
            expected[real] += hidden[0]
        torch.testing.assert_close(found.values[v], expected)

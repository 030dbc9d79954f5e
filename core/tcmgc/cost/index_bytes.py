"""How much an index of prepared videos takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .random_features import random_features

if TYPE_CHECKING:
    from tcmgc.model import RetrievalModel
    from tcmgc.state import State


def index_bytes(model: RetrievalModel) -> int:
    """Return the bytes that scoring keeps of one prepared video, as long as the model was built for.

    Parameters
    ----------
    model
        In its form and its dtype.
    """
    _, video = random_features(model, 1, 1)
    with torch.random.fork_rng(devices=[]):
        return state_bytes(model.prepare_video(video))


def state_bytes(state: State) -> int:
    """Add up the tensors of a state."""
    return sum(tensor.nbytes for tensor in state.values())

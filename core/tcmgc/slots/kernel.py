"""The kernel slot: another way to compute what some compositions of a scorer's components compute."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from tcmgc.contrast import Contrast
from tcmgc.state import State


@runtime_checkable
class ContrastKernel(Protocol):
    """Score all granularities of one view at once, where it knows view, reorganizers and interactions.

    The components stay what defines the scores: they are its oracle, and do the work wherever it refuses. No
    recipe names a kernel. Of those registered, the first that does not refuse is used, in evaluation alone.
    """

    def refusal(self, contrast: Contrast, device: torch.device, dtype: torch.dtype) -> str | None:
        """Say why it cannot, in words for a user; None where it can. It is asked for every tile."""
        ...

    def floats_per_pair(self, contrast: Contrast) -> int:
        """About how many numbers one pair keeps alive in memory at a time: tiles are sized by it."""
        ...

    def __call__(self, contrast: Contrast, text: State, video: State) -> Mapping[str, Tensor]:
        """Score a tile.

        Parameters
        ----------
        contrast
            What it did not refuse.
        text, video
            The scorer's prepared states, to be read through the contrast's methods.

        Returns
        -------
        Mapping
            Of every granularity's name its scores [T, V], before the logit scale.
        """
        ...

"""Weights of a text tower that other components start from.

The temporal transformers of CLIP4Clip and its descendants begin as copies of the first blocks of CLIP's text
transformer and of its table of positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor


@dataclass(frozen=True)
class TextStart:
    """What a text tower offers.

    Parameters
    ----------
    positions
        [L, d], its table of positions.
    blocks
        The weights of every block, the first one first, under OpenAI CLIP's names: ``ln_1.*``,
        ``attn.in_proj_weight``, ``attn.in_proj_bias``, ``attn.out_proj.*``, ``ln_2.*``, ``mlp.c_fc.*``,
        ``mlp.c_proj.*``.
    """

    positions: Tensor
    blocks: tuple[Mapping[str, Tensor], ...]


@runtime_checkable
class OffersTextStart(Protocol):
    """What an encoder has besides, when others may start from its text tower."""

    def text_start(self) -> TextStart | None:
        """Return the weights as they are now; None where the tower is no transformer of this kind."""
        ...


@runtime_checkable
class TakesTextStart(Protocol):
    """What a stage, view or scorer has besides, when it starts from the encoder's text tower."""

    def start_from_text(self, start: TextStart) -> None:
        """Copy the weights that fit into its own; called once, before training and before weights are loaded.

        Raises
        ------
        ValueError
            When the text tower is of another width.
        """
        ...

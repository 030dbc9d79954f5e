"""Attention over similarity matrix (AOSM) of X-CLIP."""

from functools import partial
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from tcmgc import Size
from tcmgc.similarity import Similarity
from tcmgc.state import State
from tcmgc_plugins.blocks.masked_softmax import masked_softmax
from tcmgc_plugins.blocks.vector import vector_dim

from .axes import BothOrders, vector


def aosm(x: Tensor, matrix: Tensor, mask: Tensor | None, *, temperature: float) -> Tensor:
    """``sum_j (softmax(x / temperature) M)_j x_j`` (X-CLIP, arXiv:2207.07285, AOSM).

    M is in the released code and not in the equations; the weights are not normalised after it.

    Parameters
    ----------
    x
        [..., L].
    matrix
        M, [L, L].
    mask
        [..., L] bool, or None; masked entries get no weight before M and count nothing after it.
    temperature
        0.01 as published.

    Returns
    -------
    Tensor
        [...].
    """
    weights = masked_softmax(x / temperature, mask) @ matrix
    return (weights * x if mask is None else weights * x.masked_fill(~mask, 0)).sum(dim=-1)


class Aosm(nn.Module):
    """Attention over a pair's similarity vector, with a learned L x L matrix that starts as identity.

    Parameters
    ----------
    temperature
        Of the softmax.
    text_length, video_length
        Injected; one of them is 1.
    """

    paper: ClassVar[str] = "X-CLIP, arXiv:2207.07285, AOSM of a vector"

    def __init__(
        self, *, temperature: Annotated[float, Field(gt=0)] = 0.01, text_length: Size, video_length: Size
    ) -> None:
        super().__init__()
        self.temperature = temperature
        vector_dim(text_length, video_length, "aosm")
        self.matrix = nn.Parameter(torch.eye(max(text_length, video_length)))

    def forward(self, similarity: Similarity, text: State, video: State) -> Tensor:
        """[T, V, L, 1] or [T, V, 1, L] to [T, V]."""
        values, mask = vector(similarity)
        return aosm(values, self.matrix, mask, temperature=self.temperature)


class BiAosm(nn.Module):
    """Attention over a pair's similarity matrix: words then frames, frames then words, their mean.

    Parameters
    ----------
    temperature
        Of every softmax.
    text_length, video_length
        Injected.
    """

    paper: ClassVar[str] = "X-CLIP, arXiv:2207.07285, AOSM of a matrix"

    def __init__(
        self, *, temperature: Annotated[float, Field(gt=0)] = 0.01, text_length: Size, video_length: Size
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.orders = BothOrders(text_length=text_length, video_length=video_length)

    def forward(self, similarity: Similarity, text: State, video: State) -> Tensor:
        """[T, V, P, Q] to [T, V]."""
        reduced: Tensor = self.orders(similarity, partial(aosm, temperature=self.temperature))
        return reduced

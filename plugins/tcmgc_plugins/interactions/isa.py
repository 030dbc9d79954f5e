"""Interactive similarity aggregation (ISA) of UCoFiA and TC-MGC."""

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


def isa(x: Tensor, matrix: Tensor, mask: Tensor | None, *, temperature: float) -> Tensor:
    """``sum_j x_j softmax_j(softmax(x / temperature) U / temperature)`` (UCoFiA, arXiv:2309.10091, ISA).

    TC-MGC (arXiv:2504.04707) writes 1 / temperature as lambda = 100.

    Parameters
    ----------
    x
        [..., L].
    matrix
        U, [L, L].
    mask
        [..., L] bool, or None; masked entries get no weight in either softmax.
    temperature
        Of both softmaxes.

    Returns
    -------
    Tensor
        [...].
    """
    inner = masked_softmax(x / temperature, mask) @ matrix
    weights = masked_softmax(inner / temperature, mask)
    return (weights * x if mask is None else weights * x.masked_fill(~mask, 0)).sum(dim=-1)


class Isa(nn.Module):
    """Aggregate a pair's similarity vector by two softmaxes with a learned L x L matrix between them.

    The matrix starts as identity.

    Parameters
    ----------
    temperature
        Of both softmaxes.
    text_length, video_length
        Injected; one of them is 1.
    """

    paper: ClassVar[str] = "UCoFiA, arXiv:2309.10091, ISA; TC-MGC, arXiv:2504.04707"

    def __init__(
        self, *, temperature: Annotated[float, Field(gt=0)] = 0.01, text_length: Size, video_length: Size
    ) -> None:
        super().__init__()
        self.temperature = temperature
        vector_dim(text_length, video_length, "isa")
        self.matrix = nn.Parameter(torch.eye(max(text_length, video_length)))

    def forward(self, similarity: Similarity, text: State, video: State) -> Tensor:
        """[T, V, L, 1] or [T, V, 1, L] to [T, V]."""
        values, mask = vector(similarity)
        return isa(values, self.matrix, mask, temperature=self.temperature)


class BiIsa(nn.Module):
    """Aggregate a pair's similarity matrix by ISA: words then frames, frames then words, their mean.

    Parameters
    ----------
    temperature
        Of every softmax.
    text_length, video_length
        Injected.
    """

    paper: ClassVar[str] = "UCoFiA, arXiv:2309.10091, Bi-ISA; TC-MGC, arXiv:2504.04707"

    def __init__(
        self, *, temperature: Annotated[float, Field(gt=0)] = 0.01, text_length: Size, video_length: Size
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.orders = BothOrders(text_length=text_length, video_length=video_length)

    def forward(self, similarity: Similarity, text: State, video: State) -> Tensor:
        """[T, V, P, Q] to [T, V]."""
        reduced: Tensor = self.orders(similarity, partial(isa, temperature=self.temperature))
        return reduced

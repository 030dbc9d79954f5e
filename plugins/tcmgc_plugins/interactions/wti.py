"""Weighted token-wise interaction (WTI) of DRL, and its unweighted form (TI)."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tcmgc import Size
from tcmgc.features import Tokens
from tcmgc.similarity import Similarity
from tcmgc.state import State
from tcmgc.visual import Visual
from tcmgc_plugins.blocks.fill_padding import fill_padding
from tcmgc_plugins.blocks.masked_softmax import masked_softmax
from tcmgc_plugins.blocks.transformer import initialize_linear


class WeightedTokenInteraction(nn.Module):
    """The best partner of every token and of every frame, weighed by what the token and the frame are.

    ``(sum_p w_p max_q S_pq + sum_q u_q max_p S_pq) / 2`` with weights w and u from small networks on
    the un-normalised features, softmax over the real positions. Without networks all real positions weigh
    the same, which is DRL's token-wise interaction (TI), FILIP's of arXiv:2111.07783.

    Parameters
    ----------
    layers
        Linear layers of the weight networks; hidden width D, ReLU between them. 0: no networks.
    masked
        How padding enters the maxima: ``zero``, as a similarity of 0, which wins where all real ones
        are negative (the released code); ``exclude``, not at all.
    dim
        Injected.
    """

    paper: ClassVar[str] = "DRL, arXiv:2203.07111, weighted token-wise interaction"

    def __init__(
        self,
        *,
        layers: Annotated[int, Field(ge=0, le=3)] = 2,
        masked: Literal["zero", "exclude"] = "exclude",
        dim: Size,
    ) -> None:
        super().__init__()
        self.masked: Literal["zero", "exclude"] = masked
        self.text_weights = _weight_network(layers, dim)
        self.video_weights = _weight_network(layers, dim)

    def prepare_text(self, tokens: Tokens) -> State:
        """Weigh tokens [T, P, D]: weights [T, P]."""
        return {"weights": masked_softmax(self.text_weights(tokens.values).squeeze(-1), tokens.mask)}

    def prepare_video(self, visual: Visual) -> State:
        """Weigh vectors [V, Q, D] or [T, V, Q, D]: weights [V, Q] or [T, V, Q]."""
        vectors = visual.vectors()
        logits = self.video_weights(vectors).squeeze(-1)
        mask = visual.mask
        if mask is not None and vectors.ndim == 3:
            mask = mask.squeeze(0)
        return {"weights": masked_softmax(logits, mask)}

    def forward(self, similarity: Similarity, text: State, video: State) -> Tensor:
        """[T, V, P, Q] to [T, V]."""
        best_for_token, best_for_vector = (self._best(similarity, dim) for dim in (-1, -2))
        by_text = torch.einsum("tvp,tp->tv", best_for_token, text["weights"])
        subscripts = "tvq,vq->tv" if video["weights"].ndim == 2 else "tvq,tvq->tv"
        by_video = torch.einsum(subscripts, best_for_vector, video["weights"])
        return (by_text + by_video) / 2

    def _best(self, similarity: Similarity, dim: int) -> Tensor:
        values, mask = similarity.values, similarity.mask
        if mask is None:
            return values.amax(dim=dim)
        best = fill_padding(values, mask, self.masked).amax(dim=dim)
        # Padding has no partner; its weight is 0, and 0 times infinity must not be.
        return best.masked_fill(~mask.expand(values.shape).any(dim=dim), 0)


class _Uniform(nn.Module):
    """A logit of 0 for every item: [..., D] to [..., 1]."""

    def forward(self, items: Tensor) -> Tensor:
        return torch.zeros_like(items[..., :1])


def _weight_network(layers: int, dim: int) -> nn.Module:
    if layers == 0:
        return _Uniform()
    hidden = [part for _ in range(layers - 1) for part in (nn.Linear(dim, dim), nn.ReLU())]
    last = nn.Linear(dim, 1)
    network = nn.Sequential(*hidden, last) if hidden else last
    initialize_linear(network)
    return network

"""Language-video attention: frames pooled as a query asks."""

from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from tcmgc import Size
from tcmgc.factored import Factored
from tcmgc.features import Tokens
from tcmgc.state import State
from tcmgc.visual import Dense
from tcmgc_plugins.blocks.masked_softmax import masked_softmax

from .coefficient_dropout import dense_projection, drops_coefficients
from .dropped_attention import dropped_basis, dropped_factors
from .factored_attention import attention_basis, attention_factors, attention_probes


class Attention(nn.Module):
    """One vector a query: attention over the frames, then a residual linear layer.

    For a query q and frames f, with one layer norm LN1 for both::

        a = softmax(Q K^T / sqrt(D / heads))    Q = LN1(q) W_Q,  K = LN1(f) W_K,  V = LN1(f) W_V
        o = LN2((a V) W_O)
        z = LN3(o + dropout(W o + b))

    TC-MGC's language-video attention and X-Pool's pooling are settings of it. Queries and frames enter
    un-normalised.

    Parameters
    ----------
    projections
        Whether W_Q, W_K, W_V and W_O (with biases) are there. Without, they are identity: TC-MGC's
        released code bypasses them.
    heads
        Attention heads; each sees D / heads channels.
    residual
        Whether ``o`` is added to the linear layer's output.
    frame_mask
        Whether padded frames are left out. TC-MGC's and X-Pool's released codes let them take part.
    dropout
        On the linear layer's output, in training.
    dropout_on
        What it drops there: ``channels``, as published, which is trained in the dense form; ``coefficients``,
        what each frame and the bias add to that output, which is trained factored. It needs the residual.
    init
        Of the linear layers: ``identity`` as in X-Pool; ``normal``, N(0, 0.02), as what TC-MGC's
        released code leaves after its own initialisation has overwritten X-Pool's. Biases are 0.
    dim
        Injected.
    """

    paper: ClassVar[str] = "TC-MGC, arXiv:2504.04707 (LVA); X-Pool, arXiv:2203.15086"
    text_conditioned: ClassVar[bool] = True

    def __init__(
        self,
        *,
        projections: bool = True,
        heads: Annotated[int, Field(ge=1)] = 1,
        residual: bool = True,
        frame_mask: bool = True,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3,
        dropout_on: Literal["channels", "coefficients"] = "channels",
        init: Literal["identity", "normal"] = "identity",
        dim: Size,
    ) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"heads = {heads} does not divide the width {dim}")
        if dropout_on == "coefficients" and not residual:
            raise ValueError(
                "dropout_on = coefficients without a residual: where all are dropped, no vector is left"
            )
        self.heads = heads
        self.residual = residual
        self.frame_mask = frame_mask
        self.layer_norm1 = nn.LayerNorm(dim)
        self.layer_norm2 = nn.LayerNorm(dim)
        self.layer_norm3 = nn.LayerNorm(dim)

        def projection() -> nn.Module:
            return nn.Linear(dim, dim) if projections else nn.Identity()

        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (projection() for _ in range(4))
        self.linear_proj = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.dropout_on = dropout_on
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.bias)
                nn.init.eye_(layer.weight) if init == "identity" else nn.init.normal_(layer.weight, std=0.02)

    def vectors(self, queries: int, tokens: int) -> int:
        """One vector a query."""
        return queries

    def prepare(self, tokens: Tokens) -> State:
        """Compute keys and values [V, F, D] once a video."""
        normed_VFD = self.layer_norm1(tokens.values)
        return {"keys": self.k_proj(normed_VFD), "values": self.v_proj(normed_VFD), "mask": tokens.mask}

    def forward(self, queries: Tokens | None, state: State) -> Dense:
        """Pool for every query of every text: values [T, V, Q, D], weights [T, V, Q, F]."""
        assert queries is not None
        query_TQhd = self._split(self.q_proj(self.layer_norm1(queries.values)))
        key_VFhd, value_VFhd = self._split(state["keys"]), self._split(state["values"])
        logits = torch.einsum("tqhd,vfhd->tvqhf", query_TQhd, key_VFhd) / query_TQhd.shape[-1] ** 0.5
        mask, attended_VF = self.attended(queries.mask, state["mask"])
        weights = masked_softmax(logits, None if attended_VF is None else attended_VF[None, :, None, None, :])
        pooled = torch.einsum("tvqhf,vfhd->tvqhd", weights, value_VFhd).flatten(start_dim=-2)
        pooled = self.out_proj(pooled)
        o = self.layer_norm2(pooled)
        if drops_coefficients(self):
            projected = dense_projection(self, weights, value_VFhd, pooled)
        else:
            projected = self.dropout(self.linear_proj(o))
        z = self.layer_norm3(o + projected if self.residual else projected)
        return Dense(z, mask, weights.mean(dim=-2))

    @property
    def factors(self) -> bool:
        """Whether the vectors are combinations of few: dropout of single channels makes them others."""
        return not (self.training and self.dropout.p > 0) or self.dropout_on == "coefficients"

    def basis_size(self, tokens: int) -> int:
        """One for each frame and head; those of dropped coefficients, 2 A + 3, are not counted."""
        return self.heads * tokens

    def prepare_factored(self, tokens: Tokens) -> State:
        """Compute keys, a basis and the roots of its norms, once a video."""
        return (dropped_basis if drops_coefficients(self) else attention_basis)(self, tokens)

    def prepare_queries(self, queries: Tokens) -> Tensor:
        """Project the queries once a text, and divide them by the temperature: [T, Q, D]."""
        projected: Tensor = self.q_proj(self.layer_norm1(queries.values))
        temperature: float = (projected.shape[-1] // self.heads) ** 0.5
        return projected / temperature

    def prepare_probes(self, probes: Tensor) -> Tensor:
        """Ask what all videos share, once a text: [T, P, D + 2]; while coefficients are dropped, nothing."""
        return probes if drops_coefficients(self) else attention_probes(self, probes)

    def factored(self, prepared: Tensor, mask: Tensor, state: State) -> Factored:
        """Pool as `forward` does, without making a vector of a pair: coefficients [T, V, Q, heads F]."""
        factors = dropped_factors if drops_coefficients(self) else attention_factors
        return factors(self, prepared, mask, state)

    def attended(self, query_mask_TQ: Tensor, frame_mask_VF: Tensor) -> tuple[Tensor, Tensor | None]:
        """Say which vectors are real, [T, V or 1, Q], and which frames are looked at, [V, F]; None for all.

        A video without frames attends to its padding, and its vectors are masked: zeros have no norm.
        """
        mask = query_mask_TQ[:, None, :]
        if not self.frame_mask:
            return mask, None
        some_V1 = frame_mask_VF.any(dim=1, keepdim=True)
        return mask & some_V1, frame_mask_VF | ~some_V1

    def _split(self, x: Tensor) -> Tensor:
        """[N, L, D] to [N, L, heads, D / heads]."""
        return x.reshape(*x.shape[:-1], self.heads, -1)

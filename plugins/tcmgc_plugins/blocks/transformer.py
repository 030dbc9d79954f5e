"""The pre-norm transformer that CLIP4Clip took from CLIP's text tower, for frames.

Three things set it apart from torch's own encoder layer: QuickGELU, a layer norm with eps 1e-12, and a
mask on keys only, so that padded queries are computed too.

Source: CLIP4Clip, arXiv:2104.08860, its released ``module_cross.py`` (`Transformer`).
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from tcmgc.slots.text_start import TextStart

LAYER_NORM_EPS = 1e-12


class QuickGELU(nn.Module):
    """``x * sigmoid(1.702 x)``, CLIP's approximation of GELU."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply it element-wise."""
        return x * torch.sigmoid(1.702 * x)


class SelfAttention(nn.Module):
    """Multi-head self-attention with packed projections, named as in `torch.nn.MultiheadAttention`."""

    def __init__(self, *, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.normal_(self.in_proj_weight, std=0.02)

    def forward(self, x_NLD: Tensor, mask_NL: Tensor) -> Tensor:
        """Attend to the real positions: x [N, L, D], mask [N, L] bool, result [N, L, D].

        Where none is real, all are attended to, as with the official code's -1e6 on every key.
        """
        mask_NL = mask_NL | ~mask_NL.any(dim=1, keepdim=True)
        N, L, D = x_NLD.shape
        packed = functional.linear(x_NLD, self.in_proj_weight, self.in_proj_bias)
        query, key, value = packed.reshape(N, L, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask_NL[:, None, None, :]
        )
        return self.out_proj(mixed.transpose(1, 2).reshape(N, L, D))  # type: ignore[no-any-return]


class ResidualAttentionBlock(nn.Module):
    """``x += attention(norm(x)); x += mlp(norm(x))`` with a hidden width of 4 D."""

    def __init__(self, *, dim: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.attn = SelfAttention(dim=dim, heads=heads)
        self.ln_2 = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(dim, 4 * dim), gelu=QuickGELU(), c_proj=nn.Linear(4 * dim, dim))
        )

    def forward(self, x_NLD: Tensor, mask_NL: Tensor) -> Tensor:
        """Map x [N, L, D] to [N, L, D]."""
        x_NLD = x_NLD + self.attn(self.ln_1(x_NLD), mask_NL)
        return x_NLD + self.mlp(self.ln_2(x_NLD))  # type: ignore[no-any-return]


def attention_blocks(*, layers: int, dim: int, heads: int | None) -> nn.ModuleList:
    """Make a stack of blocks, weights drawn from N(0, 0.02), biases 0.

    Parameters
    ----------
    layers
        How many.
    dim
        D.
    heads
        Attention heads; None for CLIP's rule, D // 64 and at least one.

    Raises
    ------
    ValueError
        When the heads do not divide D.
    """
    heads = max(1, dim // 64) if heads is None else heads
    if dim % heads:
        raise ValueError(f"heads = {heads} does not divide the width {dim}")
    blocks = nn.ModuleList(ResidualAttentionBlock(dim=dim, heads=heads) for _ in range(layers))
    initialize_linear(blocks)
    return blocks


def initialize_linear(module: nn.Module) -> None:
    """Draw all linear and embedding weights from N(0, 0.02) and set biases to 0, as CLIP4Clip does."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Embedding)):
            nn.init.normal_(part.weight, std=0.02)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)


@torch.no_grad()
def start_from_text(blocks: nn.ModuleList, positions: nn.Embedding, start: TextStart) -> None:
    """Copy a text tower's first blocks and positions, as CLIP4Clip does.

    Block i gets the weights of the tower's block i, row j of the positions the tower's row j. Blocks and rows
    that the tower does not have stay as they are. The heads stay as well: the weights do not say how many.

    Parameters
    ----------
    blocks
        Made by `attention_blocks`.
    positions
        A table [L, D].
    start
        From the encoder.

    Raises
    ------
    ValueError
        When the text tower's width is not D.
    """
    D, width = positions.embedding_dim, start.positions.shape[1]
    if width != D:
        raise ValueError(
            f"init: text, but the text tower is {width} wide and the joint space {D}; init: normal starts "
            "from random weights"
        )
    for block, weights in zip(blocks, start.blocks, strict=False):
        block.load_state_dict(dict(weights))
    rows = min(len(start.positions), positions.num_embeddings)
    positions.weight[:rows] = start.positions[:rows]

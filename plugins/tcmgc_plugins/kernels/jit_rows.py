"""Rows of similarities in registers: the largest of each, and ISA. Functions that Triton compiles.

A row is [L], L a power of two; what is padding, or masked, is minus infinity throughout.
"""

import triton
import triton.language as tl


@triton.jit
def numbers(x):
    """Put 0 in place of NaN, which maxima pass over: what is no number is told of beside."""
    return tl.where(x == x, x, 0.0)  # NaN alone is not itself  # noqa: PLR0124


@triton.jit
def softmax_rows(x_BL):
    """Softmax over what is not minus infinity; 0 in a row of nothing else."""
    largest_B = tl.max(x_BL, 1)
    largest_B = tl.where(largest_B > float("-inf"), largest_B, 0.0)
    e_BL = tl.exp(x_BL - largest_B[:, None])
    total_B = tl.sum(e_BL, 1)
    return e_BL / tl.where(total_B > 0, total_B, 1.0)[:, None]


@triton.jit
def weighted_rows(weights_BL, x_BL):
    """Sum of weights times entries, [B]; nothing for an entry that is minus infinity."""
    return tl.sum(weights_BL * tl.where(x_BL > float("-inf"), x_BL, 0.0), 1)


@triton.jit
def largest_rows(x_BL, K: tl.constexpr, B: tl.constexpr, L: tl.constexpr, KP: tl.constexpr):
    """The K largest of each row in descending order, [B, KP], and the row without them, [B, L].

    Of equal entries one is taken at a time, so that all are kept that fit.
    """
    places_L = tl.arange(0, L)
    ranks_K = tl.arange(0, KP)
    kept_BK = tl.full([B, KP], float("-inf"), tl.float32)
    for rank in tl.static_range(K):
        best_B, place_B = tl.max(x_BL, 1, return_indices=True)
        kept_BK = tl.where((ranks_K == rank)[None, :], best_B[:, None], kept_BK)
        x_BL = tl.where(places_L[None, :] == place_B[:, None], float("-inf"), x_BL)
    return kept_BK, x_BL


@triton.jit
def reorganized_rows(
    x_BL, K: tl.constexpr, FUSES: tl.constexpr, B: tl.constexpr, L: tl.constexpr, KP: tl.constexpr
):
    """Prune, or prune and fuse: the K largest, and where asked the rest as one entry behind them, [B, KP]."""
    kept_BK, rest_BL = largest_rows(x_BL, K, B, L, KP)
    if FUSES:
        fused_B = weighted_rows(softmax_rows(rest_BL), rest_BL)
        fused_B = tl.where(tl.max(rest_BL, 1) > float("-inf"), fused_B, float("-inf"))
        kept_BK = tl.where((tl.arange(0, KP) == K)[None, :], fused_B[:, None], kept_BK)
    return kept_BK


@triton.jit
def isa_rows(x_BK, matrix_KK, temperature):
    """ISA of each row, [B] (UCoFiA, arXiv:2309.10091): see `tcmgc_plugins.interactions.isa`."""
    first_BK = softmax_rows(x_BK / temperature)
    inner_BK = tl.sum(first_BK[:, :, None] * matrix_KK[None, :, :], 1)
    inner_BK = tl.where(x_BK > float("-inf"), inner_BK / temperature, float("-inf"))
    return weighted_rows(softmax_rows(inner_BK), x_BK)


@triton.jit
def some_rows(scores_B, x_BK):
    """Scores of the rows that have any entry; minus infinity for the others."""
    return tl.where(tl.max(x_BK, 1) > float("-inf"), scores_B, float("-inf"))


@triton.jit
def load_square(pointer, SIZE: tl.constexpr, PADDED: tl.constexpr):
    """Load a matrix [SIZE, SIZE], zeros around it."""
    places = tl.arange(0, PADDED)
    inside = places < SIZE
    offsets = places[:, None] * SIZE + places[None, :]
    return tl.load(pointer + offsets, mask=inside[:, None] & inside[None, :], other=0.0)

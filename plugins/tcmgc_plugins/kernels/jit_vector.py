"""Similarity vectors of many pairs to scores: prune or fuse, then ISA. A kernel that Triton compiles."""

import triton
import triton.language as tl

from .jit_rows import isa_rows, load_square, numbers, reorganized_rows


@triton.jit
def score_vectors(
    values,
    real,
    matrix,
    scores,
    N,
    temperature,
    LENGTH: tl.constexpr,
    K: tl.constexpr,
    FUSES: tl.constexpr,
    MASKED: tl.constexpr,
    B: tl.constexpr,
    L: tl.constexpr,
    KP: tl.constexpr,
):
    """Score B rows: values [N, LENGTH], real [N, LENGTH] of 0 and 1 where MASKED, to scores [N]."""
    rows_B = tl.program_id(0).to(tl.int64) * B + tl.arange(0, B)
    places_L = tl.arange(0, L)
    there = (rows_B < N)[:, None] & (places_L < LENGTH)[None, :]
    offsets = rows_B[:, None] * LENGTH + places_L[None, :]
    x_BL = tl.load(values + offsets, mask=there, other=0.0)
    spoilt_B = tl.sum(x_BL, 1) * 0.0  # NaN where an entry is no number: maxima pass over those
    if MASKED:
        there = there & (tl.load(real + offsets, mask=there, other=0) != 0)
    x_BL = tl.where(there, numbers(x_BL), float("-inf"))
    kept_BK = reorganized_rows(x_BL, K, FUSES, B, L, KP)
    found_B = isa_rows(kept_BK, load_square(matrix, K + FUSES, KP), temperature)
    tl.store(scores + rows_B, found_B + spoilt_B, mask=rows_B < N)

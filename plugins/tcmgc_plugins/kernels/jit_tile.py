"""Attention's coefficients and all that follows, of one pair in registers. A kernel that Triton compiles.

It starts from two matrix products of the tile, attention logits and the basis as the probes see it, and
writes scores. The coefficients [Q, A] and the similarities [P, Q] of a pair are never in memory. What is
computed is `tcmgc_plugins.views.factored_attention`, dot products, reorganizers and ISA.
"""

import triton
import triton.language as tl

from .jit_rows import (
    isa_rows,
    largest_rows,
    load_square,
    numbers,
    reorganized_rows,
    softmax_rows,
    some_rows,
)


@triton.jit
def root_squares(
    weights_QA, roots, SET: tl.constexpr, RANK: tl.constexpr, A: tl.constexpr, atoms_A, atom_A,
    QP: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip
    """``|R w|^2`` of each query, [Q]: R is [RANK, A], one of three, see `stacked_roots`."""
    HALF: tl.constexpr = RANK // 2
    total_Q = tl.zeros([QP], tl.float32)
    for start in tl.static_range(0, RANK, CHUNK):
        rank_R = start + tl.arange(0, CHUNK)
        second = 3 * HALF + 3 + SET * (RANK - HALF) - HALF
        rows_R = rank_R + tl.where(rank_R < HALF, SET * HALF, second)
        part_AR = tl.load(
            roots + rows_R[None, :] * A + atoms_A[:, None],
            mask=atom_A[:, None] & (rank_R < RANK)[None, :],
            other=0.0,
        )
        image_QR = tl.dot(weights_QA, part_AR, input_precision="ieee")
        total_Q += tl.sum(image_QR * image_QR, 1)
    return total_Q


@triton.jit
def row_products(weights_QA, roots, PLACE: tl.constexpr, A: tl.constexpr, atoms_A, atom_A):
    """Multiply the weights with a row of what is stacked beside the roots, [Q]."""
    row_A = tl.load(roots + PLACE * A + atoms_A, mask=atom_A, other=0.0)
    return tl.sum(weights_QA * row_A[None, :], 1)


@triton.jit
def score_tile(
    logits, roots, squares, frames_real, queries_real,
    asked_one, ends_one, one_matrix, one_scores, one_temperature,
    asked_all, ends_all, words_real,
    word_first, frame_second, frame_first, word_second, all_scores, all_temperature,
    T, inverse_dim, eps2, eps3,
    Q: tl.constexpr, P: tl.constexpr, HEADS: tl.constexpr, F: tl.constexpr,
    RANK: tl.constexpr, FRAMES_MASKED: tl.constexpr,
    ONE: tl.constexpr, ONE_K: tl.constexpr, ONE_FUSES: tl.constexpr, ONE_MASKED: tl.constexpr,
    ALL: tl.constexpr, WORDS_K: tl.constexpr, FRAMES_K: tl.constexpr,
    ALL_WORDS_MASKED: tl.constexpr, ALL_FRAMES_MASKED: tl.constexpr,
    QP: tl.constexpr, PP: tl.constexpr, HP: tl.constexpr, FP: tl.constexpr,
    ONE_P: tl.constexpr, WORDS_P: tl.constexpr, FRAMES_P: tl.constexpr,
    CHUNK: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Score one pair. Text and video are the program's number modulo T, and over T.

    Parameters, with A = HEADS F: logits [V, A, T, Q]; roots [V, 3 RANK + 3, A] and squares [V, 4];
    frames_real [V, F], queries_real [T, Q], words_real [T, P] of 0 and 1. Of the contrast of one probe a
    text: asked_one [V, A, T], ends_one [T, 2]; of all words: asked_all [V, A, T, P], ends_all [T, P, 2].
    Scores [T, V].
    """
    A: tl.constexpr = HEADS * F
    AP: tl.constexpr = HP * FP
    program = tl.program_id(0).to(tl.int64)
    t, v = program % T, program // T
    V = tl.num_programs(0) // T
    lowest = float("-inf")
    q_Q, place_A = tl.arange(0, QP), tl.arange(0, AP)
    head_A, frame_A = place_A // FP, place_A % FP
    atom_A = (head_A < HEADS) & (frame_A < F)
    atoms_A = head_A * F + frame_A
    query_Q = q_Q < Q

    # The attention: a softmax over frames for each head.
    offsets_QA = ((v * A + atoms_A) * T + t)[None, :] * Q + q_Q[:, None]
    logits_QA = tl.load(logits + offsets_QA, mask=query_Q[:, None] & atom_A[None, :], other=0.0)
    seen_A = atom_A
    some = v >= 0
    if FRAMES_MASKED:
        real_A = tl.load(frames_real + v * F + frame_A, mask=atom_A, other=0) != 0
        some = tl.max(real_A.to(tl.int32), 0) > 0
        seen_A = atom_A & (real_A | (some == 0))
    logits_QA = tl.where(seen_A[None, :], logits_QA, lowest)
    if HP == 1:
        weights_QA = softmax_rows(logits_QA)
    else:
        weights_QA = tl.reshape(softmax_rows(tl.reshape(logits_QA, [QP * HP, FP])), [QP, AP])

    # The two layer norms, and the norm of what comes out: see `attention_factors`.
    HALF: tl.constexpr = RANK // 2
    roots += v * (3 * RANK + 3) * A
    pooled_Q = root_squares(weights_QA, roots, 0, RANK, A, atoms_A, atom_A, QP, CHUNK)
    moved_Q = root_squares(weights_QA, roots, 1, RANK, A, atoms_A, atom_A, QP, CHUNK)
    whole_Q = root_squares(weights_QA, roots, 2, RANK, A, atoms_A, atom_A, QP, CHUNK)
    moved_e_Q = row_products(weights_QA, roots, 3 * HALF, A, atoms_A, atom_A)
    whole_e_Q = row_products(weights_QA, roots, 3 * HALF + 1, A, atoms_A, atom_A)
    whole_b_Q = row_products(weights_QA, roots, 3 * HALF + 2, A, atoms_A, atom_A)
    e_e, end_e = tl.load(squares + v * 4), tl.load(squares + v * 4 + 1)
    end_eb, end_b = tl.load(squares + v * 4 + 2), tl.load(squares + v * 4 + 3)
    pooling_Q = tl.rsqrt(pooled_Q * inverse_dim + eps2)
    variance_Q = tl.maximum(pooling_Q * (pooling_Q * moved_Q + 2 * moved_e_Q) + e_e, 0.0)
    e_Q = tl.rsqrt(variance_Q * inverse_dim + eps3)
    scale_Q = pooling_Q * e_Q
    square_Q = scale_Q * (scale_Q * whole_Q + 2 * (e_Q * whole_e_Q + whole_b_Q))
    square_Q += e_Q * (e_Q * end_e + 2 * end_eb) + end_b
    b_Q = tl.rsqrt(tl.maximum(square_Q, 0.0))
    e_Q = e_Q * b_Q
    scaled_QA = weights_QA * (scale_Q * b_Q)[:, None]
    real_Q = query_Q
    if ONE_MASKED or ALL_FRAMES_MASKED:
        real_Q = query_Q & some & (tl.load(queries_real + t * Q + q_Q, mask=query_Q, other=0) != 0)

    if ONE:
        probe_A = tl.load(asked_one + (v * A + atoms_A) * T + t, mask=atom_A, other=0.0)
        x_Q = tl.sum(scaled_QA * probe_A[None, :], 1)
        x_Q += e_Q * tl.load(ends_one + t * 2) + b_Q * tl.load(ends_one + t * 2 + 1)
        spoilt = tl.sum(tl.where(query_Q, x_Q, 0.0), 0) * 0.0  # NaN where one is no number
        x_Q = tl.where(real_Q if ONE_MASKED else query_Q, numbers(x_Q), lowest)
        kept_1K = reorganized_rows(x_Q[None, :], ONE_K, ONE_FUSES, 1, QP, ONE_P)
        found_1 = isa_rows(kept_1K, load_square(one_matrix, ONE_K + ONE_FUSES, ONE_P), one_temperature)
        tl.store(one_scores + t * V + v, tl.sum(found_1, 0) + spoilt)

    if ALL:
        p_P = tl.arange(0, PP)
        word_P = p_P < P
        asked_AP = asked_all + (v * A * T + t) * P
        ends_P = ends_all + (t * P + p_P) * 2
        step = T * P
        probes_AP = tl.load(
            asked_AP + atoms_A[:, None] * step + p_P[None, :],
            mask=atom_A[:, None] & word_P[None, :],
            other=0.0,
        )
        x_QP = tl.dot(scaled_QA, probes_AP, input_precision=PRECISION)
        x_QP += e_Q[:, None] * tl.load(ends_P, mask=word_P, other=0.0)[None, :]
        x_QP += b_Q[:, None] * tl.load(ends_P + 1, mask=word_P, other=0.0)[None, :]
        x_QP = tl.where(query_Q[:, None] & word_P[None, :], x_QP, 0.0)
        spoilt = tl.sum(tl.sum(x_QP, 1), 0) * 0.0
        if ALL_WORDS_MASKED:
            word_P = word_P & (tl.load(words_real + t * P + p_P, mask=word_P, other=0) != 0)
        frame_Q = real_Q if ALL_FRAMES_MASKED else query_Q
        x_QP = tl.where(frame_Q[:, None] & word_P[None, :], numbers(x_QP), lowest)
        kept_QW, _ = largest_rows(x_QP, WORDS_K, QP, PP, WORDS_P)
        rows_WF, _ = largest_rows(tl.trans(kept_QW), FRAMES_K, WORDS_P, QP, FRAMES_P)
        columns_FW = tl.trans(rows_WF)
        over_words_F = isa_rows(columns_FW, load_square(word_first, WORDS_K, WORDS_P), all_temperature)
        over_words_1F = some_rows(over_words_F, columns_FW)[None, :]
        first_1 = isa_rows(over_words_1F, load_square(frame_second, FRAMES_K, FRAMES_P), all_temperature)
        over_frames_W = isa_rows(rows_WF, load_square(frame_first, FRAMES_K, FRAMES_P), all_temperature)
        over_frames_1W = some_rows(over_frames_W, rows_WF)[None, :]
        second_1 = isa_rows(over_frames_1W, load_square(word_second, WORDS_K, WORDS_P), all_temperature)
        tl.store(all_scores + t * V + v, (tl.sum(first_1, 0) + tl.sum(second_1, 0)) / 2 + spoilt)

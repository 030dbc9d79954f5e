"""The tie groups of a similarity matrix that hold relevant items, found block by block.

Every function returns the fields ``above, size, relevant, start`` of `tcmgc.ranking.Ranking`,
for a matrix and groups that `tcmgc.similarity_checks` let pass. No sort of the whole matrix and no second
copy of it: beside the matrix there is one block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from .similarity_checks import block_width

if TYPE_CHECKING:
    from .arrays import Int1D, Matrix

TieGroups: TypeAlias = "tuple[Int1D, Int1D, Int1D, Int1D]"


def videos_of_texts(similarity_TV: Matrix, video_of_text_T: Int1D) -> TieGroups:
    """Texts rank the V videos; each has one relevant video."""
    texts, videos = similarity_TV.shape
    above_T, size_T = np.empty((2, texts), dtype=np.int64)
    rows = block_width(videos)
    for start in range(0, texts, rows):
        block = slice(start, start + rows)
        above_T[block], size_T[block] = _compare_to_own(similarity_TV[block], video_of_text_T[block])
    return _one_relevant(above_T, size_T)


def caption_groups_of_videos(similarity_TV: Matrix, video_of_text_T: Int1D) -> TieGroups:
    """Videos rank the V groups of captions, a group scoring as its best caption; each has one relevant."""
    texts, videos = similarity_TV.shape
    order_T, start_V = _by_video(video_of_text_T, videos)
    above_V, size_V = np.empty((2, videos), dtype=np.int64)
    columns = block_width(texts)
    for start in range(0, videos, columns):
        block = slice(start, start + columns)
        best_Vb = np.maximum.reduceat(similarity_TV[:, block][order_T], start_V[:-1], axis=0)
        own_b = np.arange(videos)[block]
        above_V[block], size_V[block] = _compare_to_own(best_Vb.T, own_b)
    return _one_relevant(above_V, size_V)


def captions_of_videos(similarity_TV: Matrix, video_of_text_T: Int1D) -> TieGroups:
    """Videos rank the T captions; all captions of a video are relevant to it."""
    texts, videos = similarity_TV.shape
    order_T, start_V = _by_video(video_of_text_T, videos)
    above, size, relevant = [], [], []
    columns = block_width(texts)
    for start in range(0, videos, columns):
        # Transposed first, so that each sort and search runs over contiguous memory.
        scores_bT = np.ascontiguousarray(similarity_TV[:, start : start + columns].T)
        for video, scores_T in enumerate(scores_bT, start):
            own = scores_T[order_T[start_V[video] : start_V[video + 1]]]
            own_levels, relevant_levels = np.unique(own, return_counts=True)
            scores_T.sort()
            below = np.searchsorted(scores_T, own_levels, side="left")
            not_above = np.searchsorted(scores_T, own_levels, side="right")
            above.append((texts - not_above)[::-1])
            size.append((not_above - below)[::-1])
            relevant.append(relevant_levels[::-1])
    start_Q = np.concatenate([[0], np.cumsum([len(levels) for levels in above])])
    return np.concatenate(above), np.concatenate(size), np.concatenate(relevant), start_Q


def _compare_to_own(scores_QI: Matrix, own_Q: Int1D) -> tuple[Int1D, Int1D]:
    """Count the items of each row above its own one's score, and level with it."""
    own_Q1 = np.take_along_axis(scores_QI, own_Q[:, None], axis=1)
    above_Q = np.count_nonzero(scores_QI > own_Q1, axis=1)
    return above_Q, np.count_nonzero(scores_QI == own_Q1, axis=1)


def _one_relevant(above_Q: Int1D, size_Q: Int1D) -> TieGroups:
    return above_Q, size_Q, np.ones_like(above_Q), np.arange(len(above_Q) + 1)


def _by_video(video_of_text_T: Int1D, videos: int) -> tuple[Int1D, Int1D]:
    """Order the texts by video: those of video v are order_T[start_V[v] : start_V[v + 1]]."""
    order_T = np.argsort(video_of_text_T, kind="stable")
    return order_T, np.searchsorted(video_of_text_T[order_T], np.arange(videos + 1))

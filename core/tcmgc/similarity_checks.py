"""What a similarity matrix and its caption groups have to satisfy before anything is ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import DataError

if TYPE_CHECKING:
    from .arrays import Int1D, Matrix

BLOCK_ELEMENTS = 1 << 22
"""Matrix elements handled at a time: temporaries stay small beside a large matrix."""


def check_similarity(similarity_TV: Matrix, where: str = "similarity") -> None:
    """Require a non-empty, finite, two-dimensional floating-point array.

    A NaN is an error and not a low score: dropped or pushed to the end of a list, it changes the number
    of queries or their ranks without a word.

    Parameters
    ----------
    similarity_TV
        Scores [T, V] of T texts against V videos.
    where
        What to call the matrix in an error.

    Raises
    ------
    DataError
        Naming the shape, the dtype, or the row, column and value at fault.
    """
    check_matrix(similarity_TV, where)
    rows = block_width(similarity_TV.shape[1])
    for start in range(0, similarity_TV.shape[0], rows):
        finite = np.isfinite(similarity_TV[start : start + rows])
        if not finite.all():
            row, column = (int(i) for i in np.argwhere(~finite)[0])
            row += start
            raise DataError(
                f"{where}, row {row}, column {column}",
                found=str(similarity_TV[row, column]),
                expected="a finite number",
                hint="rows and columns count from 0; a NaN often comes from a video that failed to decode",
            )


def check_matrix(similarity_TV: Matrix, where: str) -> None:
    """Require the shape and dtype of a similarity matrix.

    Parameters
    ----------
    similarity_TV
        The array.
    where
        What to call it in an error.

    Raises
    ------
    DataError
        Naming the shape or the dtype.
    """
    shape, dtype = list(similarity_TV.shape), similarity_TV.dtype
    if len(shape) != 2:
        raise DataError(
            where,
            found=f"an array of shape {shape}",
            expected="two dimensions: a row for each text, a column for each video",
        )
    if 0 in shape:
        raise DataError(where, found=f"an empty matrix of shape {shape}", expected="texts and videos")
    if dtype.name not in ("float16", "float32", "float64"):
        raise DataError(where, found=f"dtype {dtype}", expected="dtype float16, float32 or float64")


def check_groups(
    video_of_text_T: Int1D | None, texts: int, videos: int, where: str = "video_of_text"
) -> Int1D:
    """Require one video for each text and at least one text for each video.

    Parameters
    ----------
    video_of_text_T
        Column [T] of each text's video; None for texts and videos paired by index.
    texts, videos
        T and V of the matrix.
    where
        What to call the groups in an error.

    Returns
    -------
    ndarray of int64 [T]
        The columns.

    Raises
    ------
    DataError
        Naming the text or the video at fault.
    """
    if video_of_text_T is None:
        if texts != videos:
            raise DataError(
                f"similarity of {texts} texts and {videos} videos",
                found=f"no {where}",
                expected="the video of each text, because only a square matrix pairs them by index",
                hint=f"give {where}; on the command line, --groups FILE",
            )
        return np.arange(texts)
    groups_T = np.asarray(video_of_text_T)
    if groups_T.ndim != 1 or not np.issubdtype(groups_T.dtype, np.integer):
        raise DataError(
            where,
            found=f"{groups_T.dtype} of shape {list(groups_T.shape)}",
            expected=f"a list of {texts} integers",
        )
    if len(groups_T) != texts:
        raise DataError(
            where, found=f"{len(groups_T)} entries", expected=f"{texts}, one for each row of the matrix"
        )
    outside = np.flatnonzero((groups_T < 0) | (groups_T >= videos))
    if outside.size:
        text = int(outside[0])
        raise DataError(
            f"{where}, text {text}",
            found=f"video column {groups_T[text]}",
            expected=f"a column from 0 to {videos - 1}",
        )
    groups_T = groups_T.astype(np.int64)
    missing = np.flatnonzero(np.bincount(groups_T, minlength=videos) == 0)
    if missing.size:
        raise DataError(
            where,
            found=f"no text for {missing.size} of {videos} videos, the first in column {missing[0]}",
            expected="at least one text for each video",
            hint="a video without a text has no rank as a query; drop its column",
        )
    return groups_T


def block_width(length: int) -> int:
    """How many rows, or columns, of ``length`` elements to handle at a time; at least one."""
    return max(1, BLOCK_ELEMENTS // length)

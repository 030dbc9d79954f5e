"""Which video each text belongs to, in a file: ``.json``, ``.txt`` or ``.npy``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tcmgc.errors import DataError, nearest
from tcmgc.similarity_checks import check_groups

from .similarity_file import load_npy, read_start

if TYPE_CHECKING:
    from tcmgc.arrays import Int1D

FORMATS = ".json, .txt (one integer a line) or .npy"


def load_groups(path: str | Path, texts: int, videos: int) -> Int1D:
    """Read the video of each text.

    Parameters
    ----------
    path
        A list of T columns, one for each row of the matrix; where T differs from V also a list of V
        caption counts, rows being grouped by video in column order; or, in JSON, an object
        ``{"videos": [id of each column], "texts": [video id of each row]}``.
    texts, videos
        T and V of the similarity matrix.

    Returns
    -------
    ndarray of int64 [T]
        The column of each text's video.

    Raises
    ------
    DataError
        If the file is missing, unreadable or does not fit the matrix.
    """
    path = Path(path)
    where = f"groups {path}"
    start = read_start(path, "groups", FORMATS)
    if path.suffix == ".npy":
        array = load_npy(path, "groups")
        if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
            raise DataError(
                where,
                found=f"{array.dtype} of shape {list(array.shape)}",
                expected="integers in one dimension",
            )
        numbers = [int(number) for number in array]
    elif path.suffix == ".txt":
        numbers = _read_lines(path, where)
    elif path.suffix == ".json":
        content = _read_json(path, where)
        if isinstance(content, dict):
            numbers = _columns_of_ids(
                _ids(content, "videos", videos, where), _ids(content, "texts", texts, where), where
            )
        else:
            numbers = _integers(content, where)
    else:
        raise DataError(where, found=f"extension {path.suffix!r}, starting {start!r}", expected=FORMATS)
    return _columns(numbers, texts, videos, where)


def _columns(numbers: list[int], texts: int, videos: int, where: str) -> Int1D:
    if len(numbers) == videos != texts:
        if min(numbers) < 1:
            video = next(i for i, count in enumerate(numbers) if count < 1)
            raise DataError(
                f"{where}, video {video}", found=f"{numbers[video]} captions", expected="at least one"
            )
        if sum(numbers) != texts:
            raise DataError(
                where,
                found=f"caption counts that sum to {sum(numbers)}",
                expected=f"{texts}, the rows of the matrix",
            )
        return np.repeat(np.arange(videos), numbers)
    if len(numbers) != texts:
        counts = "" if texts == videos else f", or {videos} caption counts, one for each column"
        raise DataError(
            where,
            found=f"{len(numbers)} entries",
            expected=f"{texts}, one for each row of the matrix{counts}",
        )
    # As Python integers, because a number from a file may be too large for numpy.
    for text, column in enumerate(numbers):
        if not 0 <= column < videos:
            raise DataError(
                f"{where}, text {text}",
                found=f"video column {column}",
                expected=f"a column from 0 to {videos - 1}",
            )
    return check_groups(np.array(numbers, dtype=np.int64), texts, videos, where)


def _read_text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(where, found=f"no UTF-8 text: {error}", expected=FORMATS) from None


def _read_lines(path: Path, where: str) -> list[int]:
    numbers = []
    for number, line in enumerate(_read_text(path, where).rstrip().splitlines(), 1):
        try:
            numbers.append(int(line))
        except ValueError:
            raise DataError(f"{where}, line {number}", found=_excerpt(line), expected="one integer") from None
    return numbers


def _read_json(path: Path, where: str) -> object:
    try:
        return json.loads(_read_text(path, where))
    except (ValueError, RecursionError) as error:
        raise DataError(where, found=f"no JSON: {error}", expected=FORMATS) from None


def _integers(content: object, where: str) -> list[int]:
    if not isinstance(content, list):
        raise DataError(
            where, found=_excerpt(content), expected="a list of integers, or an object of videos and texts"
        )
    for index, number in enumerate(content):
        if type(number) is not int:  # true and false are ints to Python, and none to a person
            raise DataError(f"{where}, entry {index}", found=_excerpt(number), expected="an integer")
    return content


def _ids(content: dict[str, object], key: str, length: int, where: str) -> list[str | int]:
    if key not in content:
        raise DataError(
            where,
            found=f"an object of {', '.join(content) or 'nothing'}",
            expected="an object of videos and texts",
            hint=nearest(key, content),
        )
    ids = content[key]
    if not isinstance(ids, list):
        raise DataError(f"{where}, {key}", found=_excerpt(ids), expected="a list of ids")
    for index, name in enumerate(ids):
        if type(name) not in (str, int):
            raise DataError(
                f"{where}, {key}[{index}]", found=_excerpt(name), expected="a string or an integer"
            )
    if len(ids) != length:
        raise DataError(
            f"{where}, {key}",
            found=f"{len(ids)} ids",
            expected=f"{length}, one for each {'column' if key == 'videos' else 'row'} of the matrix",
        )
    return ids


def _columns_of_ids(video_ids: list[str | int], text_ids: list[str | int], where: str) -> list[int]:
    column_of: dict[str | int, int] = {}
    for column, name in enumerate(video_ids):
        if name in column_of:
            raise DataError(
                f"{where}, videos[{column}]",
                found=f"{name!r}, which is videos[{column_of[name]}] too",
                expected="one column for each video",
            )
        column_of[name] = column
    for row, name in enumerate(text_ids):
        if name not in column_of:
            raise DataError(
                f"{where}, texts[{row}]",
                found=f"unknown video {name!r}",
                expected="an id from videos",
                hint=nearest(str(name), [str(known) for known in video_ids]),
            )
    return [column_of[name] for name in text_ids]


def _excerpt(content: object) -> str:
    text = repr(content)
    return text if len(text) <= 60 else f"{text[:57]}..."

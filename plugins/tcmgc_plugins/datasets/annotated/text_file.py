"""Annotation files as plain values, each mistake in one as one error: lists, CSV, JSON, JSON lines."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_text(path: Path) -> str:
    """Read UTF-8, with or without a byte-order mark; line ends stay as they are.

    Raises
    ------
    DataError
        When it cannot be read, or is no text.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(
            f"file {path}", found=error.strerror or str(error), expected="a file that can be read"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"file {path}: byte {error.start}",
            found=f"{error.object[error.start : error.start + 1]!r}, which is no UTF-8",
            expected="text in UTF-8",
        ) from None


def read_list(path: Path) -> list[str]:
    """Read one item a line; white space around an item, and empty lines, are left out.

    Raises
    ------
    DataError
        When it cannot be read, is empty, or an item occurs twice.
    """
    items = [item for line in read_text(path).split("\n") if (item := line.strip())]
    refuse_doubles(path, items)
    return items


def read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a table with a header; every value is text: ``null`` and ``nan`` are words like others.

    Parameters
    ----------
    path
        The file.
    columns
        Those that must be there; others are read as well.

    Returns
    -------
    list of dict
        A row each, by column.

    Raises
    ------
    DataError
        When it cannot be read, a column is missing, or a row has more or fewer fields than the header.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        for column in columns:
            if header.count(column) != 1:
                raise DataError(
                    f"file {path}: line 1",
                    found=f"the header {','.join(header)!r}",
                    expected=f"one with {', '.join(columns)}",
                )
        rows = []
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise DataError(
                    f"file {path}: line {reader.line_num}",
                    found=f"{len(fields)} fields",
                    expected=f"{len(header)}, as the header has; a text with commas stands in quotes",
                )
            rows.append(dict(zip(header, fields, strict=True)))
    except csv.Error as error:
        raise DataError(
            f"file {path}: line {reader.line_num}", found=str(error), expected="a whole CSV file"
        ) from None
    if not rows:
        raise DataError(f"file {path}", found="no row", expected="at least one")
    return rows


def read_json(path: Path, *, line: str | None = None, number: int = 0) -> Any:
    """Read a JSON file, or one line of a file of them.

    Parameters
    ----------
    path
        The file.
    line, number
        The line's text and its number, where it is not the whole file.

    Raises
    ------
    DataError
        When it is cut, or no JSON.
    """
    text = read_text(path) if line is None else line
    where = f"file {path}" if line is None else f"file {path}: line {number}"
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        found = f"JSON that ends in the middle, after {len(text):,} characters" if cut else error.msg
        place = where if line is not None or cut else f"{where}: line {error.lineno}, column {error.colno}"
        hint = "half a download? fetch it again" if cut else None
        raise DataError(place, found=found, expected="a whole JSON file", hint=hint) from None
    except RecursionError:
        raise DataError(where, found="JSON that is nested too deep", expected="a list of captions") from None


def read_json_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read an object a line, each with the number of its line; empty lines are left out."""
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            row = read_json(path, line=line, number=number)
            if not isinstance(row, dict):
                raise DataError(f"file {path}: line {number}", found=kind(row), expected="an object {...}")
            rows.append((number, row))
    if not rows:
        raise DataError(f"file {path}", found="no row", expected="at least one")
    return rows


def refuse_doubles(path: Path, items: Sequence[str]) -> None:
    """Refuse a list that is empty, or names something twice."""
    if not items:
        raise DataError(f"file {path}", found="nothing", expected="at least one line")
    if len(set(items)) < len(items):
        seen: set[str] = set()
        double = next(item for item in items if item in seen or seen.add(item))  # type: ignore[func-returns-value]
        raise DataError(f"file {path}", found=f"{double!r} twice", expected="distinct items")


def expect(path: Path, value: Any, wanted: type, what: str) -> Any:
    """Return a value of a JSON file that must be of one kind.

    Raises
    ------
    DataError
        When it is of another.
    """
    if not isinstance(value, wanted):
        raise DataError(f"file {path}: {what}", found=kind(value), expected=NAMES[wanted])
    return value


NAMES: dict[type, str] = {dict: "an object {...}", list: "a list [...]", str: "a text", int: "a number"}


def kind(value: Any) -> str:
    """Say what kind of JSON value it is."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return next((name for known, name in NAMES.items() if isinstance(value, known)), "a number")

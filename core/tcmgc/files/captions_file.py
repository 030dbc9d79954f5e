"""Captions in a text file, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def read_captions(path: Path) -> list[str]:
    """Read captions: UTF-8, one a line, with any line ends; the last line may lack its own.

    Raises
    ------
    DataError
        When the file cannot be read, is empty, or a line is no UTF-8 or blank: with the line's number.
    """
    where = f"captions {path}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            where, found=(error.strerror or str(error)).lower(), expected="a text file, one caption a line"
        ) from None
    if not content.strip():
        raise DataError(where, found="no caption", expected="one caption a line")
    lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if not lines[-1]:
        lines.pop()
    captions = []
    for number, line in enumerate(lines, start=1):
        try:
            caption = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{where}: line {number}",
                found=f"byte {line[error.start]:#04x} at place {error.start + 1}, which is no UTF-8",
                expected="UTF-8",
            ) from None
        if not caption:
            raise DataError(f"{where}: line {number}", found="a blank line", expected="a caption")
        captions.append(caption)
    return captions

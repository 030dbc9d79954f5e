"""Captions, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tcmgc import DataError
from tcmgc.files.captions_file import read_captions

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "content",
    [
        b"a cat\nein H\xc3\xbcndchen\n",
        b"\xef\xbb\xbfa cat\r\nein H\xc3\xbcndchen",
        b" a cat \rein H\xc3\xbcndchen\r",
    ],
)
def test_any_line_ends(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(content)
    assert read_captions(tmp_path / "t.txt") == ["a cat", "ein Hündchen"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a cat\n\xff dog\n", r"line 2\n.*byte 0xff at place 1"),
        (b"a cat\n  \na dog\n", r"line 2\n.*a blank line"),
        (b"a cat\n\n", r"line 2\n.*a blank line"),
        (b" \n", "no caption"),
        (b"", "no caption"),
        (None, "no such file"),
    ],
)
def test_mistakes_name_the_line(content: bytes | None, says: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "t.txt").write_bytes(content)
    with pytest.raises(DataError, match=says):
        read_captions(tmp_path / "t.txt")

"""Writing the tables into a page, between two marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.errors import DataError
from tcmgc.files.disk import write_text

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- tcmgc bench cost: begin -->", "<!-- tcmgc bench cost: end -->"


def read_page(path: Path) -> tuple[str, str]:
    """Return what stands before and after the tables; nothing where there is no page.

    Parameters
    ----------
    path
        A Markdown file.

    Raises
    ------
    DataError
        When there is a page without the two marks.
    """
    if not path.exists():
        return "", ""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise DataError(f"page {path}", found="no place for the table", expected=f"{BEGIN} and {END}")
    return before, after.removeprefix("\n")


def write_page(path: Path, around: tuple[str, str], tables: str) -> None:
    """Put tables between the marks.

    Parameters
    ----------
    path
        A Markdown file.
    around
        What `read_page` returned.
    tables
        As Markdown.
    """
    before, after = around
    write_text(path, f"{before}{BEGIN}\n\n{tables}\n\n{END}\n{after}")

"""``suite.json``: what was asked for last."""

from __future__ import annotations

from .json_file import FileContent


class Question(FileContent):
    """Two rows to compare: what ``row`` has over ``against``.

    ``title`` is a noun, as ``Text-conditioning``.
    """

    title: str
    question: str = ""
    row: str
    against: str


class Suite(FileContent):
    """The title of a board and its comparisons."""

    name: str | None = None
    title: str | None = None
    comparisons: tuple[Question, ...] = ()
    rows: tuple[str, ...] = ()

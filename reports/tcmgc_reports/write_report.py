"""Writing a report's files, each there whole or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .renderers.registry import RENDERERS

if TYPE_CHECKING:
    from pathlib import Path

    from .board.leaderboard import Leaderboard


def write_report(board: Leaderboard, folder: Path) -> Path:
    """Write the leaderboard in every format that has a file.

    Parameters
    ----------
    board
        The leaderboard.
    folder
        Made if it is not there; files of an earlier report are replaced.

    Returns
    -------
    Path
        The page to look at.
    """
    # All are made before the first is written: a report is of one board.
    texts = {one.file: one.render(board) for one in RENDERERS.values() if one.file is not None}
    for section in board.sections:
        if section.clips is not None:  # what `--restrict-to` takes
            texts[f"clips-{section.fingerprint[:12]}.txt"] = "".join(f"{clip}\n" for clip in section.clips)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    return folder / "index.html"


def write_text(path: Path, text: str) -> None:
    """Write a file and rename it into place; what was there stays until then.

    Parameters
    ----------
    path
        The file.
    text
        Its content.
    """
    # A name of its own, for two reports of one folder may be in work at once.
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

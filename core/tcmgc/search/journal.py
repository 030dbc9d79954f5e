"""``journal.jsonl``: the blocks of videos that are written whole, one a line.

A line is added once its rows are on the disk. A last line without an end is what a killed writer left.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from tcmgc.errors import DataError
from tcmgc.files.disk import writing
from tcmgc.runs.record import CONTENT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

JOURNAL = "journal.jsonl"


class IndexedVideo(BaseModel):
    """A video with a row: its file as it was, by size and time of change, and its part in seconds."""

    model_config = CONTENT
    id: str
    path: str
    bytes: int
    modified_ns: int
    start: float | None = None
    end: float | None = None


class FailedVideo(BaseModel):
    """A video that could not be read, and why."""

    model_config = CONTENT
    id: str
    path: str
    reason: str


class Seconds(BaseModel):
    """What a block took: decoding, encoding frames, preparing states, writing."""

    model_config = CONTENT
    decode: float = 0.0
    encode: float = 0.0
    prepare: float = 0.0
    write: float = 0.0


class Block(BaseModel):
    """A block: its first row, its videos in order of their rows, those without one, checksums by array."""

    model_config = CONTENT
    start: int
    videos: tuple[IndexedVideo, ...]
    failed: tuple[FailedVideo, ...] = ()
    crc32: dict[str, int] = {}
    seconds: Seconds = Seconds()


@dataclass
class Contents:
    """What the blocks of a journal come to; of a video that is in several, the last one counts.

    Parameters
    ----------
    blocks
        In order.
    videos
        Of each row, superseded ones included.
    rows
        The row of each video by id.
    failed
        Reasons and paths by id.
    """

    blocks: list[Block] = field(default_factory=list)
    videos: list[IndexedVideo] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    failed: dict[str, FailedVideo] = field(default_factory=dict)

    def add(self, block: Block) -> None:
        """Take in the next block."""
        self.blocks.append(block)
        for row, video in enumerate(block.videos, start=len(self.videos)):
            self.rows[video.id] = row
            self.failed.pop(video.id, None)
        for unreadable in block.failed:
            self.rows.pop(unreadable.id, None)
            self.failed[unreadable.id] = unreadable
        self.videos += block.videos


def read_journal(folder: Path) -> Contents:
    """Read the finished blocks.

    Raises
    ------
    DataError
        When a whole line is damaged, or blocks do not follow each other.
    """
    path = folder / JOURNAL
    contents = Contents()
    for number, line in enumerate(_lines(path), start=1):
        where = f"index {path}, line {number}"
        try:
            block = Block.model_validate_json(line)
        except ValidationError as error:
            raise DataError(
                where,
                found=error.errors(include_url=False)[0]["msg"],
                expected="a block that tcmgc index wrote",
                hint="index the videos again into another folder",
            ) from None
        if block.start != len(contents.videos):
            raise DataError(
                where,
                found=f"a block from row {block.start}",
                expected=f"one from row {len(contents.videos)}, where the block before ends",
                hint="index the videos again into another folder",
            )
        contents.add(block)
    return contents


def _lines(path: Path) -> Iterable[bytes]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise DataError(f"index {path}", found=error.strerror or str(error), expected="a journal") from None
    return content[: content.rfind(b"\n") + 1].splitlines()


def trim_journal(folder: Path) -> None:
    """Cut off what a killed writer left of a line."""
    path = folder / JOURNAL
    if path.exists():
        with writing("index", path), path.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)


def add_block(folder: Path, block: Block) -> None:
    """Add a block whose rows are on the disk to a journal without rests.

    Raises
    ------
    UnwritableError
        When the disk is full, or the path cannot be written.
    """
    path = folder / JOURNAL
    with writing("index", path), path.open("ab") as file:
        file.write(block.model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())

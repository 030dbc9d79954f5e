"""What every reader refuses before a decoder sees the file, and how it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.errors import DataError

from .encryption import encryption

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

FIRST = (b"ftyp", b"styp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
"""Boxes that an mp4 or mov file may begin with."""
CONTENT = (b"moov", b"moof", b"mdat")
"""Boxes without whose end a file is not whole; players do not mind others."""
PLAYLISTS = (b"#EXTM3U", b"ffconcat")
"""How files begin that name other files, or addresses, for FFmpeg to open."""
EBML = bytes.fromhex("1a45dfa3")
"""How Matroska and WebM files begin."""


def unreadable(path: Path, reason: str, *, expected: str | None = None, hint: str | None = None) -> DataError:
    """Make the error of a file in which there is nothing to read."""
    return DataError(f"video {path}", found=reason, expected=expected or "a readable video", hint=hint)


def file_name(path: Path) -> str:
    """Name a file for FFmpeg, which takes ``a:b.mp4`` for the address ``b.mp4`` of a protocol ``a``."""
    return str(path.absolute())


def refuse_unusable(path: Path) -> None:
    """Refuse what is no file with all its content.

    Raises
    ------
    DataError
        When there is nothing at the path, or a directory, a device or an empty file; when it may not be
        read; when it is a playlist, which leads to other files; when it is an mp4 or mov file that was cut
        short, which decoders take for a shorter one; or when its video is encrypted, which decoders may
        turn into noise.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise unreadable(path, "a directory", expected="a video file")
        if not path.is_file():
            raise unreadable(path, "a device or a pipe", expected="a video file")
        with path.open("rb") as file:
            playlist = file.read(8).startswith(PLAYLISTS)
            declared = _declared_bytes(file, size)
            scheme = encryption(file, size)
    except FileNotFoundError:
        raise unreadable(path, "no such file", expected="a video file") from None
    except OSError as error:
        raise unreadable(path, error.strerror or str(error), expected="a video file") from None
    if size == 0:
        raise unreadable(path, "an empty file, 0 bytes")
    if playlist:
        raise unreadable(path, "a list of other files")
    if declared > size:
        raise unreadable(path, f"cut short: {size:,} of the {declared:,} bytes that its header declares")
    if scheme is not None:
        raise unreadable(path, f"an encrypted video stream ({scheme})", expected="one that needs no key")


def has_frame_times(path: Path) -> bool:
    """Whether a file's container writes a time beside every frame: MP4, QuickTime, Matroska and WebM do."""
    with path.open("rb") as file:
        head = file.read(8)
    return head[4:] in FIRST or head[:4] == EBML


def _declared_bytes(file: BinaryIO, size: int) -> int:
    """Return where the last box of an mp4 or mov file ends (ISO/IEC 14496-12, 4.2); 0 for other files."""
    end = 0
    while end + 16 <= size:
        file.seek(end)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:  # its length is in the 8 bytes that follow
            length = int.from_bytes(head[8:], "big")
        if (end == 0 and kind not in FIRST) or length < 8:  # 0: up to the end of the file
            return 0
        end += length
        if end > size:
            return end if kind in CONTENT else 0
    return end


def refuse_ordinals(path: Path, ordinals: list[int], frames: int) -> None:
    """Refuse to read no frame, or a frame that is not there."""
    odd = [ordinal for ordinal in ordinals if not 0 <= ordinal < frames]
    if odd or not ordinals:
        found = f"frame {odd[0]} asked for" if odd else "no frame asked for"
        raise DataError(f"video {path}", found=found, expected=f"frames from 0 to {frames - 1}")

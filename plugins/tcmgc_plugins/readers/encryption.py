"""Whether a container says that its video is encrypted: decoders make errors of it, or frames of noise.

Only headers are read: sample descriptions of ISO files, tracks of Matroska, the header objects of ASF, and
the first packets of MPEG transport streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

EBML, SEGMENT, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0x1F43B675
TRACK, TRACK_TYPE, ENCODINGS, ENCODING, ENCRYPTION = 0xAE, 0x83, 0x6D80, 0x6240, 0x5035
VIDEO_TRACK = 1
"""Of Matroska's `TRACK_TYPE`."""
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_ENCRYPTION = (
    bytes.fromhex("fbb31122bd23d211b4b700a0c955fc6e"),  # Content Encryption Object
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),  # Extended Content Encryption Object
)
PATHS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
"""Boxes of ISO files on the way to the sample descriptions."""
PACKET, SYNC, LOOKED_AT = 188, 0x47, 2000
"""Bytes of a packet of a transport stream, its first byte, and how many packets are looked at."""
MOST = 16 * 2**20
"""Bytes of a header that are read at most."""


def encryption(file: BinaryIO, size: int) -> str | None:
    """Name the scheme by which a file's video is encrypted; None where the container tells of none.

    Parameters
    ----------
    file
        Open for reading; anything but a video is none.
    size
        Its bytes.
    """
    file.seek(0)
    head = file.read(16)
    if head[4:8] in (b"ftyp", b"styp", b"moov"):
        return "ISO common encryption" if _iso(file, 0, size) else None
    if int.from_bytes(head[:4], "big") == EBML:
        return "Matroska content encryption" if _matroska(file, 0, size) else None
    if head == ASF:
        return "ASF content encryption" if _asf(file) else None
    if head[:1] == bytes([SYNC]) or head[4:5] == bytes([SYNC]):
        return "MPEG transport scrambling" if _transport(file, 0 if head[0] == SYNC else 4) else None
    return None


def _iso(file: BinaryIO, start: int, end: int) -> bool:
    """Whether a sample description is ``encv`` (ISO/IEC 23001-7)."""
    place = start
    while place + 8 <= end:
        file.seek(place)
        head = file.read(16)
        length, kind, inner = int.from_bytes(head[:4], "big"), head[4:8], 8
        if length == 1:
            length, inner = int.from_bytes(head[8:], "big"), 16
        elif length == 0:
            length = end - place
        if length < inner:
            return False
        if kind == b"stsd":  # a full box: version, flags and a count come first
            file.seek(place + inner + 8)
            entries = file.read(min(length, MOST))
            return any(name == b"encv" for name in _descriptions(entries))
        if kind in PATHS and _iso(file, place + inner, min(end, place + length)):
            return True
        place += length
    return False


def _descriptions(entries: bytes) -> Iterator[bytes]:
    place = 0
    while place + 8 <= len(entries):
        yield entries[place + 4 : place + 8]
        length = int.from_bytes(entries[place : place + 4], "big")
        if length < 8:
            return
        place += length


def _matroska(file: BinaryIO, start: int, end: int) -> bool:
    """Whether a video track has a ContentEncryption (RFC 9559, 5.1.4.1.31)."""
    for kind, inner, length in _elements(file, start, end):
        if kind == CLUSTER:
            return False  # tracks stand before the frames
        if kind == SEGMENT and _matroska(file, inner, min(end, inner + length)):
            return True
        if kind == TRACKS:
            return any(
                _is_encrypted(file, place, place + size)
                for name, place, size in _elements(file, inner, inner + length)
                if name == TRACK
            )
    return False


def _is_encrypted(file: BinaryIO, start: int, end: int) -> bool:
    video = encrypted = False
    for kind, inner, length in _elements(file, start, end):
        if kind == TRACK_TYPE:
            file.seek(inner)
            video = int.from_bytes(file.read(min(length, 8)), "big") == VIDEO_TRACK
        if kind == ENCODINGS:
            encrypted = any(
                part == ENCRYPTION
                for name, place, size in _elements(file, inner, inner + length)
                if name == ENCODING
                for part, _, _ in _elements(file, place, place + size)
            )
    return video and encrypted


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Walk EBML elements: id, where the content begins, its bytes."""
    place = start
    while place < end:
        file.seek(place)
        head = file.read(12)
        width = _width(head[:1], 4)
        length_width = _width(head[width : width + 1], 8) if width else 0
        if not length_width or len(head) < width + length_width:
            return
        marker = 1 << (7 * length_width)
        length = int.from_bytes(head[width : width + length_width], "big") ^ marker
        inner = place + width + length_width
        if length == marker - 1:  # unknown: up to the end
            length = end - inner
        yield int.from_bytes(head[:width], "big"), inner, length
        place = inner + length


def _width(first: bytes, most: int) -> int:
    """Bytes of a number by the zeros that its first byte begins with; 0 for no such number."""
    zeros = 9 - first[0].bit_length() if first and first[0] else 9
    return zeros if zeros <= most else 0


def _asf(file: BinaryIO) -> bool:
    file.seek(16)
    length = int.from_bytes(file.read(8), "little")
    file.seek(0)
    header = file.read(min(length, MOST))
    return any(marker in header for marker in ASF_ENCRYPTION)


def _transport(file: BinaryIO, before: int) -> bool:
    """Whether payloads are scrambled (ISO/IEC 13818-1, 2.4.3.3); ``before`` is 4 in a Blu-ray's files."""
    step = PACKET + before
    file.seek(0)
    content = file.read(step * LOOKED_AT)
    places = range(before, len(content) - PACKET + 1, step)
    packets = [content[place : place + 4] for place in places]
    if any(packet[0] != SYNC for packet in packets):
        return False
    return any(packet[3] & 0xC0 for packet in packets if packet[3] & 0x10)

"""Encrypted videos of every container are refused by what its header says, and clear ones are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tcmgc.errors import DataError
from tcmgc_plugins.readers.encryption import ASF_ENCRYPTION, encryption
from tcmgc_plugins.readers.pyav_reader import PyavReader
from video_files import write_video

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def scheme(path: Path) -> str | None:
    with path.open("rb") as file:
        return encryption(file, path.stat().st_size)


def iso(path: Path) -> None:
    key = {"encryption_key": "0123456789abcdef0123456789abcdef", "encryption_kid": "0" * 32}
    write_video(path, container={"encryption_scheme": "cenc-aes-ctr", "fflags": "bitexact", **key})


def matroska(path: Path, kind: int = 1) -> None:
    """The header of a file with one track: of video, unless another kind is asked for."""
    encodings = element_of(0x6D80, element_of(0x6240, element_of(0x5035, element_of(0x47E1, b"\x05"))))
    track = element_of(0xAE, element_of(0x83, bytes([kind])) + encodings)
    segment = bytes.fromhex("18538067 01ffffffffffffff")  # of unknown length
    tracks = element_of(0x1654AE6B, track)
    path.write_bytes(element_of(0x1A45DFA3, b"") + segment + tracks + element_of(0x1F43B675, b"frames"))


def element_of(name: int, content: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + bytes([0x80 | len(content)]) + content


def transport(path: Path) -> None:
    """Set the scrambling bits of all packets but the tables'."""
    content = bytearray(write_video(path).read_bytes())
    for place in range(0, len(content), 188):
        if int.from_bytes(content[place + 1 : place + 3], "big") & 0x1FFF == 0x100:
            content[place + 3] |= 0x80
    path.write_bytes(content)


def asf(path: Path) -> None:
    content = write_video(path, codec="wmv2").read_bytes()
    length = int.from_bytes(content[16:24], "little")
    added = ASF_ENCRYPTION[0] + (24).to_bytes(8, "little")
    count = int.from_bytes(content[24:28], "little") + 1
    head = content[:16] + (length + len(added)).to_bytes(8, "little") + count.to_bytes(4, "little")
    path.write_bytes(head + content[28:length] + added + content[length:])


MAKERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "mp4": (iso, "ISO common encryption"),
    "mkv": (matroska, "Matroska content encryption"),
    "ts": (transport, "MPEG transport scrambling"),
    "wmv": (asf, "ASF content encryption"),
}


@pytest.mark.parametrize("ending", MAKERS)
def test_encrypted_files_are_refused(ending: str, tmp_path: Path) -> None:
    make, name = MAKERS[ending]
    path = tmp_path / f"a.{ending}"
    make(path)
    assert scheme(path) == name
    with pytest.raises(DataError, match="an encrypted video stream"), PyavReader().open(path):
        pass


def test_a_track_of_sound_may_be_encrypted(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    matroska(path, kind=2)
    assert scheme(path) is None


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "ts", "m2ts", "wmv", "avi", "mpg", "3gp"])
def test_clear_files_are_not(ending: str, tmp_path: Path) -> None:
    codec = {"webm": "libvpx", "wmv": "wmv2", "mpg": "mpeg2video"}.get(ending, "libx264")
    path = write_video(tmp_path / f"a.{ending}", codec=codec, rate=25, options={})
    assert scheme(path) is None


@pytest.mark.parametrize("ending", MAKERS)
def test_files_that_are_cut_anywhere_end_the_search(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    MAKERS[ending][0](path)
    content = path.read_bytes()
    for length in [*range(0, 64), *range(64, min(len(content), 3000), 37)]:
        path.write_bytes(content[:length])
        assert scheme(path) in (None, MAKERS[ending][1])

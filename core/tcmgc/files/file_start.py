"""What kind of file some bytes begin."""

from __future__ import annotations

BYTES = 9
"""How many of a file's first bytes tell."""
ZIP = b"PK\x03\x04"
"""``torch.save``'s since 1.6, and ``numpy.savez``'s."""
PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def starts_safetensors(start: bytes) -> bool:
    """Whether a file begins as safetensors do: with the length of a JSON object in eight bytes, and it."""
    return start[8:9] == b"{"


def starts_pickle(start: bytes) -> bool:
    """Whether a file begins as a pickle does.

    A safetensors file whose header has 640, 896, 1152 or 1408 bytes begins with the same two bytes.
    """
    return start.startswith(PICKLES) and not starts_safetensors(start)

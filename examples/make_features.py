"""Make `features.safetensors`, the small synthetic input of the documentation.

Nothing in it comes from a video or a caption. Text i belongs to video i: both are a random direction of
their own plus noise, so that a method that works at all puts most pairs above chance. A score on this
file says that a command runs; it says nothing about the quality of a method.

    python examples/make_features.py [FILE]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

SEED = 20250407
ITEMS = 50
WORDS = 10
FRAMES = 6
PATCHES_A_FRAME = 2
DIM = 48

NOISE = {"sentence": 1.4, "words": 2.5, "frames": 3.0, "pixels": 3.5}
"""Standard deviation of the noise in every channel; that of the signal is 1."""


def ragged(draw: np.random.Generator, longest: int, shortest: int) -> np.ndarray:
    """Masks [ITEMS, longest], prefixes of ones; the first item has the full length."""
    lengths = draw.integers(shortest, longest, size=ITEMS, endpoint=True)
    lengths[0] = longest
    return (np.arange(longest) < lengths[:, None]).astype(np.uint8)


def make() -> dict[str, np.ndarray]:
    """Return the tensors by name: the same ones at every call."""
    draw = np.random.default_rng(SEED)
    topics = draw.standard_normal((ITEMS, 1, DIM))

    def around(what: str, length: int) -> np.ndarray:
        noise = draw.standard_normal((ITEMS, length, DIM))
        return (topics + NOISE[what] * noise).astype(np.float32)

    return {
        "sentence": around("sentence", 1)[:, 0],
        "words": around("words", WORDS),
        "word_mask": ragged(draw, WORDS, 4),
        "frames": around("frames", FRAMES),
        "frame_mask": ragged(draw, FRAMES, 2),
        "pixels": around("pixels", FRAMES * PATCHES_A_FRAME),
    }


def main() -> None:
    default = Path(__file__).with_name("features.safetensors")
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    save_file(make(), path, metadata={"made_by": "examples/make_features.py", "content": "synthetic"})
    print(f"{path}: {ITEMS} synthetic texts and videos")


if __name__ == "__main__":
    main()

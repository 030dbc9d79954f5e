"""A plugin for tests: a data set of tiny array files, its reader and its sampler; no torch."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tcmgc import hookimpl
from tcmgc.data.cache_folder import cache_folder
from tcmgc.data.clip import Caption, Clip, Split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tcmgc import Register
    from tcmgc.data.clip import SplitName

SIDE, FRAMES, COLOURS = 4, 3, 3
COUNTS = {"train": 12, "val": 6, "test": 8}


class TinyClips:
    """Clips of three coloured frames; captions name the colours."""

    version = "1"

    def __init__(self, *, size: Literal["small", "empty-test"] = "small", shade: int = 0) -> None:
        self.size = size
        self.folder = cache_folder() / "datasets" / f"tiny-{shade}"
        self.shade = shade

    def prepare(self, progress: Any = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        total = sum(COUNTS.values())
        for done, (name, code) in enumerate(self._codes(), start=1):
            path = self.folder / f"{name}.npy"
            if not path.exists():
                colours = np.random.default_rng(self.shade).integers(0, 256, (FRAMES, COLOURS, 1, 1, 3))
                frames = np.stack([colours[f, value] for f, value in enumerate(code)])
                np.save(path, np.broadcast_to(frames, (FRAMES, SIDE, SIDE, 3)).astype(np.uint8))
            if progress is not None:
                progress(done, total)

    def split(self, name: SplitName) -> Split:
        chosen = [(clip, code) for clip, code in self._codes() if clip.startswith(name)]
        clips = tuple(Clip(clip, self.folder / f"{clip}.npy") for clip, _ in chosen)
        captions = tuple(
            Caption(
                f"{clip}-{n}", clip, " ".join(map("{}{}".format, "abc", code)), tags=(f"first-{code[0]}",)
            )
            for clip, code in chosen
            for n in range(2 if name == "train" else 1)
        )
        return Split(name, clips, captions, "all", len(clips))

    def _codes(self) -> list[tuple[str, tuple[int, ...]]]:
        codes = iter(itertools.product(range(COLOURS), repeat=FRAMES))
        return [(f"{name}-{k}", next(codes)) for name, count in COUNTS.items() for k in range(count)]


class ArrayVideo:
    fps = 1.0

    def __init__(self, path: Path) -> None:
        self._frames = np.load(path)
        self.times = np.arange(len(self._frames), dtype=np.float64)

    def read(self, ordinals: Sequence[int]) -> NDArray[np.uint8]:
        return self._frames[list(ordinals)]


class ArrayReader:
    """Reads arrays."""

    version = "arrays 1"

    @contextlib.contextmanager
    def open(self, path: Path) -> Iterator[ArrayVideo]:
        yield ArrayVideo(path)


class EveryFrame:
    """The first frames."""

    def __init__(self, *, frames: int = FRAMES) -> None:
        self.frames = frames

    def __call__(
        self, times: NDArray[np.float64], fps: float, start: float | None = None, end: float | None = None
    ) -> list[int]:
        return list(range(min(len(times), self.frames)))


@hookimpl
def tcmgc_register(register: Register) -> None:
    register.dataset("tiny", TinyClips)
    register.reader("arrays", ArrayReader)
    register.sampler("every", EveryFrame)

"""Decoding one clip: what a reader may not return."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tcmgc.data.clip import Clip
from tcmgc.data.decode import Decoding
from tcmgc.errors import DataError
from tcmgc_plugins.samplers.uniform import Uniform

if TYPE_CHECKING:
    from numpy.typing import NDArray

GREY = np.full((3, 4, 4, 3), 127, dtype=np.uint8)


def decode(frames: NDArray[Any], times: list[float]) -> NDArray[np.uint8]:
    video: Any = SimpleNamespace(fps=1.0, times=np.array(times), read=lambda places: frames[list(places)])
    reader: Any = SimpleNamespace(version="1", open=lambda _: nullcontext(video))
    return Decoding(reader, Uniform(frames=3), 4)(Clip("clip", Path("file")))[0]


def test_what_the_contract_says() -> None:
    assert (decode(GREY, [0.0, 1.0, 2.0]) == GREY).all()


@pytest.mark.parametrize(
    ("frames", "times", "said"),
    [
        (GREY / 255, [0.0, 1.0, 2.0], r"float64 \(3, 4, 4, 3\), not uint8"),
        (GREY[..., 0], [0.0, 1.0, 2.0], r"uint8 \(3, 4, 4\), not uint8"),
        (GREY[..., :2], [0.0, 1.0, 2.0], r"uint8 \(3, 4, 4, 2\), not uint8"),
        (GREY, [0.0, np.nan, 2.0], "times that are not all numbers"),
        (GREY, [0.0, 1.0, np.inf], "times that are not all numbers"),
    ],
)
def test_what_would_be_other_frames_in_the_cache(frames: NDArray[Any], times: list[float], said: str) -> None:
    with pytest.raises(DataError, match=rf"clip clip: video file\n.*{said}"):
        decode(frames, times)

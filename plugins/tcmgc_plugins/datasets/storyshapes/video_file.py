"""Stories as H.264 files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from .drawing import SIDE, draw_frames
from .story import RATE

if TYPE_CHECKING:
    from .story import Story


def write_video(story: Story, path: Path) -> None:
    """Encode a story, H.264 in mp4, at once or not at all.

    One thread and a fixed preset: the same encoder gives the same bytes.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".storyshapes-", suffix=".mp4")
    os.close(handle)
    try:
        _encode(story, Path(name))
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _encode(story: Story, path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"preset": "ultrafast", "crf": "18", "g": str(RATE)}
        for scene, length in zip(story.scenes, story.lengths, strict=True):
            for pixels in draw_frames(scene, length, story.ground):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(pixels), format="rgb24")))
        container.mux(stream.encode())

"""Stories of StoryShapes as files in the containers that data sets have."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from tcmgc_plugins.datasets.storyshapes.drawing import SIDE, draw_frames
from tcmgc_plugins.datasets.storyshapes.story import RATE

if TYPE_CHECKING:
    from tcmgc_plugins.datasets.storyshapes.story import Story


@dataclass(frozen=True)
class Container:
    """How files of an ending are written.

    Parameters
    ----------
    format, codec
        FFmpeg's names.
    repeats
        How often each frame is shown: MPEG-1 knows no rate as low as that of the stories.
    """

    format: str
    codec: str
    repeats: int = 1


H264 = {"preset": "ultrafast", "crf": "18"}
OTHERS = {"b": "500k", "g": "1"}
"""Key frames only: of MPEG-1 with others, decord loses frames at random, which is an error of its reader."""
MOV = Container("mov", "libx264")
CONTAINERS = {
    "mp4": Container("mp4", "libx264"),
    "m4v": Container("mp4", "libx264"),
    "mov": MOV,
    "qt": MOV,
    "avi": Container("avi", "mpeg4"),
    "divx": Container("avi", "mpeg4"),
    "mpg": Container("mpeg", "mpeg1video", 3),
    "mpeg": Container("mpeg", "mpeg1video", 3),
    "wmv": Container("asf", "wmv2"),
    "asf": Container("asf", "wmv2"),
    "3gp": Container("3gp", "libx264"),
    "3gpp": Container("3gp", "libx264"),
    "3g2": Container("3g2", "mpeg4"),
    "mts": Container("mpegts", "libx264"),
    "m2ts": Container("mpegts", "libx264"),
    "webm": Container("webm", "libvpx"),
    "mkv": Container("matroska", "libx264"),
}
"""By ending; files without a known one, as DiDeMo's whose names end in a dot, are QuickTime's."""


def write_story(story: Story, path: Path) -> None:
    """Encode a story into the container that a file's ending asks for, at once or not at all.

    One thread, fixed settings and no time of writing in the header: the same encoder gives the same bytes.
    """
    container = CONTAINERS.get(path.name.rpartition(".")[2].lower(), MOV)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".miniature-")
    os.close(handle)
    try:
        _encode(story, name, container)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _encode(story: Story, name: str, container: Container) -> None:
    with av.open(name, "w", format=container.format, options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(container.codec, rate=RATE * container.repeats)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = dict(H264 if container.codec == "libx264" else OTHERS)
        for scene, length in zip(story.scenes, story.lengths, strict=True):
            for pixels in draw_frames(scene, length, story.ground):
                for _ in range(container.repeats):
                    frame = av.VideoFrame.from_ndarray(np.asarray(pixels), format="rgb24")
                    file.mux(stream.encode(frame))
        file.mux(stream.encode())

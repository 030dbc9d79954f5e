"""Small video files for tests, whose frames tell their number, and a data set of such files."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from tcmgc.data.clip import Caption, Clip, Moment, Split, SplitName
from tcmgc.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 64


def numbered_frame(number: int, width: int = SIZE, height: int = SIZE) -> NDArray[np.uint8]:
    """A frame that says its number below 64: six bands, black or white, the highest bit first."""
    frame = np.zeros((height, width, 3), np.uint8)
    for bit in range(6):
        band = slice(bit * height // 6, (bit + 1) * height // 6)
        frame[band] = 255 * (number >> (5 - bit) & 1)
    return frame


def number_of(frame: NDArray[np.uint8]) -> int:
    """Read the number of a frame that was decoded."""
    height = frame.shape[0]
    bands = [frame[bit * height // 6 : (bit + 1) * height // 6].mean() > 127 for bit in range(6)]
    return sum(int(band) << (5 - bit) for bit, band in enumerate(bands))


def write_video(
    path: Path,
    frames: int = 30,
    *,
    rate: int = 10,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    stamps: list[int] | None = None,
    cut: int = 0,
    width: int = SIZE,
    height: int = SIZE,
) -> Path:
    """Encode numbered frames.

    ``stamps`` are the frames' times in steps of 1/rate; ``cut`` frames at the start lie before time 0,
    which an edit list leaves out.
    """
    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(codec, rate=rate, options={"crf": "15"} if options is None else options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, width, height), format="rgb24")
            frame.pts = number if stamps is None else stamps[number]
            frame.time_base = Fraction(1, rate)
            _write(file, stream.encode(frame), cut)
        _write(file, stream.encode(None), cut)
    return path


def _write(file: av.container.OutputContainer, packets: list[av.Packet], cut: int) -> None:
    for packet in packets:
        packet.pts -= cut
        packet.dts -= cut
        file.mux(packet)


def write_audio(path: Path) -> Path:
    """Encode half a second of silence."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), format="s16", layout="mono")
        sound.rate = 8000
        file.mux(stream.encode(sound))
        file.mux(stream.encode(None))
    return path


def rotate(path: Path) -> Path:
    """Turn a video clockwise by 90 degrees through the matrix in its track header."""
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    turned = [0, 0x10000, 0, 0xFFFF0000, 0, 0, SIZE << 16, 0, 0x40000000]
    content[matrix : matrix + 36] = b"".join(value.to_bytes(4, "big") for value in turned)
    path.write_bytes(content)
    return path


def packets(path: Path) -> list[tuple[int, int]]:
    """Return the place and size in bytes of every packet."""
    with av.open(str(path)) as file:
        return [(packet.pos, packet.size) for packet in file.demux(file.streams.video[0]) if packet.size]


@dataclass
class VideoFolder:
    """A data set of the videos of a folder, all in every split."""

    folder: Path
    clips: int = 3
    frames: int = 30
    version: str = "1"

    def prepare(self, progress: object = None) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.clips):
            path = self.folder / f"{number}.mp4"
            if not path.exists():
                write_video(path, self.frames - number)

    def split(self, name: SplitName) -> Split:
        paths = sorted(self.folder.glob("*.mp4"))
        if not paths:
            raise DataError(f"{self.folder}", found="no videos")
        clips = tuple(Clip(path.stem, path) for path in paths)
        captions = tuple(
            Caption(f"c{clip.id}", clip.id, f"numbers <of> clip {clip.id}", (Moment(0.5, 1.0),))
            for clip in clips
        )
        return Split(name, clips, captions, "one a clip", len(clips))

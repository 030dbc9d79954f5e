"""Small video files for tests, whose frames tell their number, and a data set of such files.

``python tests/video_files.py`` encodes the one that is kept in tests/data anew, checks it, and prints its
digest for `HEVC_DIGEST`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from tcmgc.data.clip import Caption, Clip, Moment, Split, SplitName
from tcmgc.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 64

OPEN = "keyint=8:min-keyint=8:open-gop=1:bframes=4:b-adapt=0:scenecut=0"
"""Options of x264 and x265: open groups of pictures."""

HEVC = Path(__file__).parent / "data" / "hevc-open-groups.mp4"
"""30 numbered frames in open groups of pictures. It is kept: x265 does not encode it rightly every time.

The motion search of x265 4.2 reads memory that was never written, with one thread as with several. Where it
predicts from there, the file holds another picture than x265 believes, and every decoder shows another frame
than was encoded, such as number 7 in the place of 6. In a process that has encoded before, that was up to a
tenth of the files. This one has the MD5 of each of x265's pictures in it, and decodes to the same.
"""
HEVC_DIGEST = "8afdbb93b23b4bfb1006b0a9afcb2bc79b99c4b65827a6f0311b7720c23ec76b"


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


def write_hevc(path: Path) -> None:
    """Encode `HEVC`, and refuse a file that does not decode to what was encoded."""
    params = f"{OPEN}:crf=12:pools=none:frame-threads=1:log-level=none:info=0:hash=1"
    write_video(path, codec="libx265", options={"x265-params": params})
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        # By itself FFmpeg passes over an MD5 that is not the picture's.
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
        numbers = [number_of(frame.to_ndarray(format="rgb24")) for frame in file.decode(stream)]
        file.seek(0)
        units = {bytes(packet)[4] >> 1 for packet in file.demux(stream) if packet.size}
    # Units of type 21 are key frames that open a group, 8 and 9 the frames shown before their key frame.
    if numbers != list(range(30)) or not units >= {8, 9, 21}:
        raise ValueError(f"{path}: frames {numbers}, units {units}")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


if __name__ == "__main__":
    HEVC.parent.mkdir(exist_ok=True)
    write_hevc(HEVC)
    print(digest(HEVC))

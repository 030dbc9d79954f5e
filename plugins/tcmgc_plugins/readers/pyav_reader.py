"""Video files by PyAV."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from .video_file import file_name, refuse_ordinals, refuse_unusable, unreadable

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


PASSES = ("h264", "hevc", "mpeg1video", "mpeg2video", "mpeg4")
"""FFmpeg's decoders that are told frame by frame whether to pass over what no other frame refers to."""


class PyavReader:
    """Decode by PyAV, which carries its own FFmpeg: every platform, and codecs that decord lacks.

    A file is walked through once for the times of its frames, without decoding them where its container
    has them, and decoded from its start up to the last frame that is asked for, without seeking. Frames that
    nobody asked for and that no other frame refers to are passed over; that changes no pixel of the others.

    Parameters
    ----------
    threads
        Of its decoder. More than 1 speeds up single large files.
    """

    paper: ClassVar[str] = "PyAV, github.com/PyAV-Org/PyAV, over FFmpeg"

    def __init__(self, *, threads: Annotated[int, Field(ge=1)] = 1) -> None:
        self.threads = threads

    @property
    def version(self) -> str:
        """``pyav`` and the versions of it and of FFmpeg's decoders."""
        import av  # noqa: PLC0415  # with its FFmpeg it is slow to import, and listings need none

        return f"pyav {av.__version__}, libavcodec {'.'.join(map(str, av.library_versions['libavcodec']))}"

    @contextmanager
    def open(self, path: Path) -> Iterator[PyavVideo]:
        """Open a file.

        Raises
        ------
        DataError
            When there is no video in it that FFmpeg can decode.
        """
        refuse_unusable(path)
        yield PyavVideo(path, self.threads)


class PyavVideo:
    """A file that PyAV reads; it is open only while packets or frames are read."""

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._threads = threads
        with _stream(path, threads) as (container, stream):
            self.fps = _fps(stream)
            stamps = _packet_stamps(path, container, stream)
            step, start = stream.time_base, stream.start_time or 0
        if stamps is None:
            with _stream(path, threads) as (container, stream):
                decoded = [frame.pts for frame in container.decode(stream)]
                stamps = _ascending(decoded, container)
            count = len(decoded)
        else:
            count = len(stamps)
        if not count:
            raise unreadable(path, "no frame: a header only")
        self._place = None if stamps is None else {stamp: place for place, stamp in enumerate(stamps)}
        if stamps is None:
            if not self.fps > 0:
                raise unreadable(path, "neither time stamps nor a frame rate")
            self.times = np.arange(count) / self.fps
        else:
            start = min(start, stamps[0])  # where a header tells a later one
            self.times = np.array([float((stamp - start) * step) for stamp in stamps])

    def read(self, ordinals: Sequence[int]) -> NDArray[np.uint8]:
        """Decode frames: RGB [n, H, W, 3], rotation applied."""
        wanted = list(ordinals)
        refuse_ordinals(self._path, wanted, len(self.times))
        # Where a decoder returns frames in another order without those it passed over, it passes over none.
        frames = self._decode(wanted, every=self._place is None)
        if len(frames) < len(set(wanted)) and self._place is not None:
            frames = self._decode(wanted, every=True)
        if left := set(wanted) - set(frames):
            missing = min(left)
            raise unreadable(
                self._path, f"frame {missing}, at {self.times[missing]:.3f} s, cannot be decoded"
            )
        shapes = {pixels.shape for pixels in frames.values()}
        if len(shapes) != 1:
            raise unreadable(self._path, f"frames of several sizes: {sorted(shapes)}")
        return np.stack([frames[ordinal] for ordinal in wanted])

    def _decode(self, wanted: Sequence[int], *, every: bool) -> dict[int, NDArray[np.uint8]]:
        """Decode frames; of the others only those that further frames refer to, or else every one."""
        left, last = set(wanted), max(wanted)
        frames: dict[int, NDArray[np.uint8]] = {}
        with _stream(self._path, self._threads) as (container, stream):
            passes = not every and stream.codec_context.name in PASSES
            decoded = self._referred(container, stream, left) if passes else container.decode(stream)
            for count, frame in enumerate(decoded):
                ordinal = count if self._place is None else self._place.get(frame.pts, -1)
                if ordinal in left:
                    frames[ordinal] = self._pixels(frame, ordinal)
                    left.remove(ordinal)
                if not left or ordinal > last:
                    break
        return frames

    def _referred(self, container: Any, stream: Any, wanted: Container[int]) -> Iterator[Any]:
        """Decode frames that are wanted, and those that others refer to: as FFmpeg's own players do."""
        assert self._place is not None
        for packet in container.demux(stream):
            needed = packet.pts is None or self._place.get(packet.pts, -1) in wanted
            stream.codec_context.skip_frame = "DEFAULT" if needed else "NONREF"
            yield from packet.decode()

    def _pixels(self, frame: Any, ordinal: int) -> NDArray[np.uint8]:
        if frame.is_corrupt:
            raise unreadable(self._path, f"frame {ordinal}, at {self.times[ordinal]:.3f} s, is damaged")
        pixels: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
        turns, odd = divmod(frame.rotation, 90)
        if odd:
            raise unreadable(
                self._path, f"a rotation by {frame.rotation} degrees", expected="a multiple of 90"
            )
        return np.rot90(pixels, turns) if turns else pixels


def _fps(stream: Any) -> float:
    """Frames a second as the container reports; nan where it does not."""
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return float(rate) if rate else float("nan")


def _packet_stamps(path: Path, container: Any, stream: Any) -> list[int] | None:
    """Time stamps of all frames, ascending, without decoding; None where the container does not tell."""
    packets = [packet for packet in container.demux(stream) if packet.size]
    if any(packet.has_sidedata("encryption_info") for packet in packets):
        # FFmpeg decodes them as they are: to errors, or to frames of noise.
        raise unreadable(path, "an encrypted video stream", expected="one that needs no key")
    declared = stream.frames if "mp4" in container.format.name else 0
    if len(packets) < declared:
        raise unreadable(
            path, f"{len(packets)} of the {declared} frames that its header declares: cut short or damaged"
        )
    # Frames that an edit list cuts off are decoded, but never shown.
    stamps = [packet.pts for packet in packets if not packet.is_discard]
    return _ascending(sorted(stamps), container) if None not in stamps else None


def _ascending(stamps: list[Any], container: Any) -> list[int] | None:
    """Return time stamps that can be believed; None for others."""
    # AVI holds none: FFmpeg makes them up, and out of order where there are B-frames.
    if container.format.name == "avi" or None in stamps:
        return None
    return stamps if all(a < b for a, b in pairwise(stamps)) else None


@contextmanager
def _stream(path: Path, threads: int) -> Iterator[tuple[Any, Any]]:
    """Open a container and its best video stream, and say FFmpeg's errors with the path."""
    import av  # noqa: PLC0415

    what = "no video that FFmpeg can open"
    try:
        with av.open(file_name(path)) as container:
            what = "FFmpeg fails"
            stream = container.streams.best("video")
            if stream is None or stream.codec_context is None:
                found = "no video stream: audio only" if container.streams.audio else "no video stream"
                raise unreadable(path, found)
            if stream.disposition & av.stream.Disposition.attached_pic:
                raise unreadable(path, "no video stream but a cover picture")
            stream.codec_context.thread_count = threads
            yield container, stream
    except (av.FFmpegError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise unreadable(path, f"{what}: {said}") from None

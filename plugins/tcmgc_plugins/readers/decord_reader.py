"""Video files by decord."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from tcmgc.errors import DataError

from .video_file import file_name, has_frame_times, refuse_ordinals, refuse_unusable, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

NO_SUBSTITUTE = "0.0000001"
"""decord's ``fault_tol`` as a share of the frames: not one may be filled in with its neighbour."""

OTHER = "the reader pyav may read it: reader=pyav"
NARROW = "frames so narrow that decord pads their rows"
UNDECODABLE = "damaged: a frame cannot be decoded"
MISSING = "fewer decodable frames than packets: cut short or damaged"
REASONS: dict[str, tuple[str, str | None]] = {
    "cannot find video stream": (
        "no video stream that decord decodes: audio only, or a codec it lacks",
        OTHER,
    ),
    "Failed to measure duration": ("no duration in the header, which decord needs", OTHER),
    "avfilter_graph_create_filter": ("no decodable picture: a header only, or encrypted", None),
    "av_read_frame failed": ("cut short or damaged: reading its packets fails", None),
    "avcodec_send_packet": (UNDECODABLE, None),
    # The same, where its thread ends before it is handed the next packet: which is told is chance.
    "run_.load()": (UNDECODABLE, None),
    "duplicate frames": (MISSING, OTHER),
    "Unable to handle EOF": (MISSING, OTHER),
    "from_size == to_size": (NARROW, OTHER),
    "Error reading": ("no video that decord can open", None),
}
"""What decord's messages mean, and what to try; they name its source lines, and hold several causes."""


class DecordReader:
    """Decode by decord: exact frames only, read forwards without its seeking.

    decord counts packets at opening. When frames are missing, it fills in the nearest one, and when it
    seeks in a file with open groups of pictures (most HEVC files), it may return another frame than the
    one asked for. So substitution is an error here, key frames are passed one frame at a time, and the
    last frame is always read: where it is missing, the ones before it may bear wrong times.

    Frames that nobody asked for are skipped by the time they bear, while another thread decodes. Where a
    container leaves times out (MPEG program streams, AVI), a frame may bear its neighbour's, and whether the
    wanted one is skipped then is chance; so there all frames are decoded as if they were wanted.

    Parameters
    ----------
    threads
        Of its decoder. More than 1 speeds up single large files.
    """

    paper: ClassVar[str] = "decord, github.com/dmlc/decord"

    def __init__(self, *, threads: Annotated[int, Field(ge=1)] = 1) -> None:
        self.threads = threads

    @property
    def version(self) -> str:
        """``decord`` and its version."""
        return f"decord {_decord().__version__}"

    @contextmanager
    def open(self, path: Path) -> Iterator[DecordVideo]:
        """Open a file.

        Raises
        ------
        DataError
            When there is no video in it that decord can decode, or no decord on this machine.
        """
        decord = _decord()
        refuse_unusable(path)
        with _explained(path):
            reader = decord.VideoReader(file_name(path), num_threads=self.threads, fault_tol=NO_SUBSTITUTE)
        try:
            yield DecordVideo(path, reader)
        finally:
            # Its destructor frees the decoder and ends the decoder's thread.
            del reader


class DecordVideo:
    """A file that decord has open."""

    def __init__(self, path: Path, reader: Any) -> None:
        self._path = path
        self._reader = reader
        with _explained(path):
            self.fps = float(reader.get_avg_fps())
            self.times = _times(path, reader, self.fps)
            self._keys = [*reader.get_key_indices(), len(self.times)]
        self._may_skip = has_frame_times(path)
        self._next = 0

    def read(self, ordinals: Sequence[int]) -> NDArray[np.uint8]:
        """Decode frames: RGB [n, H, W, 3], rotation applied."""
        wanted = list(ordinals)
        refuse_ordinals(self._path, wanted, len(self.times))
        last = len(self.times) - 1
        frames: dict[int, NDArray[np.uint8]] = {}
        with _explained(self._path):
            if self._next:
                self._reader.seek(0)
                self._next = 0
            for ordinal in sorted({*wanted, last}):
                self._skip_to(ordinal)
                frames[ordinal] = self._decode()
        shapes = {frame.shape for frame in frames.values()}
        if len(shapes) != 1:
            raise unreadable(self._path, f"frames of several sizes: {sorted(shapes)}")
        return np.stack([frames[ordinal] for ordinal in wanted])

    def _skip_to(self, ordinal: int) -> None:
        """Pass frames without decord's seeking, which it does where a skip reaches a key frame."""
        while self._next < ordinal:
            key = next(key for key in self._keys if key > self._next)
            inside = min(ordinal, key - 1) - self._next
            if inside > 0 and self._may_skip:
                self._reader.skip_frames(inside)
                self._next += inside
            if self._next < ordinal:
                self._decode()

    def _decode(self) -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = self._reader.next().asnumpy()
        if frame.ndim != 3 or frame.shape[-1] != 3:
            raise unreadable(self._path, NARROW, hint=OTHER)
        self._next += 1
        return frame


def _times(path: Path, reader: Any, fps: float) -> NDArray[np.float64]:
    """Seconds of all frames from the stream's start, [N]; by count where the container has none (AVI)."""
    count = len(reader)
    times: NDArray[np.float64] = reader.get_frame_timestamp(range(count))[:, 0].astype(np.float64)
    if times[0] < -1e9 and np.isfinite(fps) and fps > 0:  # AVI: decord computes with "no time stamp"
        return np.arange(count) / fps
    if times[0] < 0:
        raise unreadable(
            path,
            f"{int((times < 0).sum())} frames before its start, cut by an edit list, which decord miscounts",
            hint=OTHER,
        )
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise unreadable(path, "time stamps that do not ascend", hint=OTHER)
    return times


def _decord() -> Any:
    """Import decord, which has no wheels for some platforms, and quiet it."""
    try:
        import decord  # noqa: PLC0415  # the module must import where there is no decord
    except (ImportError, OSError) as error:
        raise DataError(
            "reader decord",
            found=f"decord cannot be imported on this {platform.machine()} machine: {error}",
            expected="decord, which has wheels for x86-64 only",
            hint="use the reader pyav: reader=pyav",
        ) from None
    decord.logging.set_level(decord.logging.QUIET)
    return decord


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Say decord's errors in words."""
    try:
        yield
    except DataError:
        raise
    except StopIteration:
        raise unreadable(path, MISSING, hint=OTHER) from None
    except Exception as error:  # decord raises RuntimeError, AssertionError and kinds of its own
        said = str(error)
        known = (reason for sign, reason in REASONS.items() if sign in said)
        reason, hint = next(known, (f"decord fails: {said.partition(chr(10))[0]}", OTHER))
        raise unreadable(path, reason, hint=hint) from None

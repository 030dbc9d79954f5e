"""Video files by decord, and those that it does not read by PyAV."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from tcmgc.errors import DataError

from .decord_reader import DecordReader
from .pyav_reader import PyavReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tcmgc.slots.reader import OpenVideo


class DecordElsePyav:
    """Read each file by decord as a whole, or else by PyAV as a whole: AV1, VVC, headers without duration.

    Nothing is mixed inside a file: where decord fails at any frame, PyAV's times are sampled anew. Which
    of the two read a clip is in the manifest of its frames. What neither reads is PyAV's error, as it tells
    more. On a machine without decord it is PyAV alone, and its version says so.

    Parameters
    ----------
    threads
        Of each decoder. More than 1 speeds up single large files.
    """

    paper: ClassVar[str] = "decord, github.com/dmlc/decord; PyAV, github.com/PyAV-Org/PyAV, over FFmpeg"

    def __init__(self, *, threads: Annotated[int, Field(ge=1)] = 1) -> None:
        self.readers = (DecordReader(threads=threads), PyavReader(threads=threads))

    @property
    def version(self) -> str:
        """Both versions, in the order in which they are tried; of those that are on this machine."""
        decord, pyav = self.readers
        try:
            return f"{decord.version}, else {pyav.version}"
        except DataError:
            return pyav.version

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenVideo]:
        """Open a file by the first that opens it; a frame that fails later is an error.

        Raises
        ------
        DataError
            When neither opens it: what PyAV says.
        """
        decord, pyav = self.readers
        with ExitStack() as opened:
            try:
                video: OpenVideo = opened.enter_context(decord.open(path))
            except DataError:
                video = opened.enter_context(pyav.open(path))
            yield video

"""Opening a clip's video by the first reader that can."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tcmgc.errors import DataError, TcmgcError
from tcmgc.slots.reader import Alternatives

from .decode import unreadable_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcmgc.slots.reader import OpenVideo, Reader

    from .clip import Clip

Result = TypeVar("Result")


def with_video(clip: Clip, readers: Sequence[Reader], use: Callable[[OpenVideo], Result]) -> Result:
    """Return what ``use`` makes of a clip's open video, by the first of the readers that it works with.

    A reader that is made of others stands for these.

    Raises
    ------
    DataError
        When it works with none: what the last of the first one's alternatives said.
    """
    problems: list[DataError] = []
    for reader in readers:
        for each in reader.readers if isinstance(reader, Alternatives) else [reader]:
            try:
                with each.open(clip.path) as video:
                    return use(video)
            except TcmgcError as error:
                problem = unreadable_clip(clip, error)
            except Exception as error:  # a plugin's reader may raise anything
                problem = unreadable_clip(clip, DataError("", found=f"{type(error).__name__}: {error}"))
        problems.append(problem)
    if not problems:
        raise DataError("readers", found="none: no plugin registers any", expected="a reader")
    raise problems[0]

"""The `didemo` data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from tcmgc.unnamed import Unnamed
from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos
from tcmgc_plugins.datasets.annotated.find_videos import CONTAINERS
from tcmgc_plugins.datasets.annotated.rules import Rules

from .annotations import OFFICIAL, read_annotations
from .layout import layout
from .sources import SOURCES

if TYPE_CHECKING:
    from tcmgc.data.source import Source


class Didemo(AnnotatedVideos):
    """DiDeMo as paragraph retrieval: all descriptions of a video, joined, against its first 31 seconds.

    A video is what a list names, its ending included: what is described under another name of the same
    upload is left out, as released (71 descriptions of val, 89 of test).

    Parameters
    ----------
    root
        Folder of the videos, under the names of the lists, and of the annotation files.
    annotations
        Folder of the annotation files, where they lie elsewhere.
    file_names
        ``listed``: the full name, as released. ``any-ending``: else the name with a video's ending after it
        or in place of its own, as downloads and conversions leave it.
    missing
        ``fail``, or ``drop`` clips without a readable video or a caption.
    follow_links
        Follow symbolic links out of the folders.
    own_lists
        Take annotation files with other numbers of rows than the published ones.
    """

    paper: ClassVar[str] = "DiDeMo, arXiv:1708.01641; lists: Collaborative Experts, arXiv:1907.13487"
    title: ClassVar[str] = "DiDeMo"
    sources: ClassVar[tuple[Source, ...]] = SOURCES

    def __init__(
        self,
        *,
        root: str | None = None,
        annotations: str | None = None,
        file_names: Annotated[Literal["listed", "any-ending"], Unnamed()] = "listed",
        missing: Annotated[Literal["fail", "drop"], Unnamed()] = "fail",
        follow_links: bool = False,
        own_lists: bool = False,
    ) -> None:
        rules = Rules(
            "didemo",
            OFFICIAL,
            lambda files, _: read_annotations(files),
            key=lambda path: (path.name,),
            keys=any_ending if file_names == "any-ending" else lambda video: (video,),
            video="the name that the list has, its ending included",
            layout=layout(),
        )
        super().__init__(
            rules,
            root=root,
            annotations=annotations,
            missing=missing,
            follow_links=follow_links,
            own_lists=own_lists,
        )


def any_ending(video: str) -> tuple[str, ...]:
    """Return the names that a listed video may have: its own first, then others by their endings."""
    base = video.rpartition(".")[0]
    endings = [case for ending in CONTAINERS for case in (ending, ending.upper())]
    return (video, *(video + ending for ending in endings), *(base + ending for ending in endings), base)

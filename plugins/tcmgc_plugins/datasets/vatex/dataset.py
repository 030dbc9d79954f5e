"""The `vatex` data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from tcmgc.unnamed import Unnamed
from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos
from tcmgc_plugins.datasets.annotated.find_videos import video_stem
from tcmgc_plugins.datasets.annotated.rules import Rules

from .annotations import OFFICIAL, read_annotations
from .layout import layout
from .sources import SOURCES

if TYPE_CHECKING:
    from tcmgc.data.source import Source


class Vatex(AnnotatedVideos):
    """VATEX, English captions, in HGR's split: the official validation videos halved into val and test.

    Videos vanish from YouTube: with ``missing: drop``, what is left is evaluated, and tables say how many.

    Parameters
    ----------
    root
        Folder of the videos, ``<videoID>.mp4``, and of the annotation files.
    annotations
        Folder of the annotation files, where they lie elsewhere.
    captions
        A file in place of ``ref_captions.json``, of any of the known forms.
    captions_a_clip
        The first so many of each clip; null for all, ten or fewer.
    missing
        ``fail``, or ``drop`` clips without a readable video or a caption.
    follow_links
        Follow symbolic links out of the folders.
    own_lists
        Take lists of other lengths than HGR's.
    """

    paper: ClassVar[str] = "VATEX, arXiv:1904.03493; split: HGR, arXiv:2003.00392"
    title: ClassVar[str] = "VATEX"
    sources: ClassVar[tuple[Source, ...]] = SOURCES

    def __init__(
        self,
        *,
        root: str | None = None,
        annotations: str | None = None,
        captions: str | None = None,
        captions_a_clip: Annotated[int, Field(ge=1, le=10)] | None = None,
        missing: Annotated[Literal["fail", "drop"], Unnamed()] = "fail",
        follow_links: bool = False,
        own_lists: bool = False,
    ) -> None:
        rules = Rules(
            "vatex",
            OFFICIAL,
            lambda files, _: read_annotations(files, captions=captions, most=captions_a_clip),
            key=video_stem,
            keys=lambda video: (video,),
            video="<videoID>.mp4 or another container",
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

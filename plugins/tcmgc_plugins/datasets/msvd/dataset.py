"""The `msvd` data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from tcmgc.unnamed import Unnamed
from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos
from tcmgc_plugins.datasets.annotated.find_videos import video_stem
from tcmgc_plugins.datasets.annotated.rules import Rules

from .annotations import OFFICIAL, read_annotations
from .layout import layout
from .sources import SOURCES

if TYPE_CHECKING:
    from tcmgc.data.source import Source


class Msvd(AnnotatedVideos):
    """MSVD: 1,970 clips, 18 to 81 captions each; every caption is a query.

    Parameters
    ----------
    root
        Folder of the videos, ``<youtube>_<start>_<end>.avi``, and of the annotation files.
    annotations
        Folder of the annotation files, where they lie elsewhere.
    captions
        A file in place of ``captions_msvd.json`` or ``raw-captions.pkl``, of the form of either.
    missing
        ``fail``, or ``drop`` clips without a readable video or a caption.
    follow_links
        Follow symbolic links out of the folders.
    own_lists
        Take annotation files with other numbers of rows than the published ones.
    """

    paper: ClassVar[str] = "MSVD, ACL 2011; lists: Collaborative Experts, arXiv:1907.13487"
    title: ClassVar[str] = "MSVD"
    sources: ClassVar[tuple[Source, ...]] = SOURCES

    def __init__(
        self,
        *,
        root: str | None = None,
        annotations: str | None = None,
        captions: str | None = None,
        missing: Annotated[Literal["fail", "drop"], Unnamed()] = "fail",
        follow_links: bool = False,
        own_lists: bool = False,
    ) -> None:
        rules = Rules(
            "msvd",
            OFFICIAL,
            lambda files, _: read_annotations(files, captions),
            key=video_stem,
            keys=lambda video: (video,),
            video="<id>.avi or another container",
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

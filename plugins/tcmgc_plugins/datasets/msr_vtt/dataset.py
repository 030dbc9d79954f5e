"""The `msr-vtt` data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from tcmgc.unnamed import Unnamed
from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos
from tcmgc_plugins.datasets.annotated.find_videos import video_stem
from tcmgc_plugins.datasets.annotated.rules import Rules

from .annotations import OFFICIAL, Partition, read_annotations
from .layout import layout
from .sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tcmgc.data.source import Source

PARTITIONS: dict[Partition, str] = {
    "1k-a-9k": "1k-A, 9k train",
    "1k-a-7k": "1k-A, 7k train",
    "full": "full",
    "1k-b": "1k-B",
}
"""What tables call them."""


class MsrVtt(AnnotatedVideos):
    """MSR-VTT: 10,000 clips of web videos, 20 captions each; the split 1k-A by default.

    There is no validation split of 1k-A and 1k-B. One is held out from the train split, or, as released,
    the test split is looked at after every epoch.

    Parameters
    ----------
    root
        Folder of the videos, ``<video_id>.mp4`` in it or below it, and of the annotation files.
    annotations
        Folder of the annotation files, where they lie elsewhere.
    split
        ``1k-a-9k`` (JSFusion's, trained on 9,000 clips), ``1k-a-7k`` (the same test, 7,010), ``full`` (the
        official one) or ``1k-b`` (Miech's).
    captions
        A file in place of ``MSRVTT_data.json``, of its format.
    validation
        ``own``: held out from train, one caption a clip, or the official one of ``full``. ``test``: the test
        split itself, as released, and nothing is held out.
    validation_share
        How much of train is held out.
    seed
        Of what is held out.
    missing
        ``fail``, or ``drop`` clips without a readable video or a caption.
    follow_links
        Follow symbolic links out of the folders.
    own_lists
        Take annotation files with other numbers of rows than the published ones.
    """

    paper: ClassVar[str] = "MSR-VTT, CVPR 2016; 1k-A: JSFusion, arXiv:1808.02559; 1k-B: arXiv:1804.02516"
    title: ClassVar[str] = "MSR-VTT"
    sources: ClassVar[tuple[Source, ...]] = SOURCES

    def __init__(
        self,
        *,
        root: str | None = None,
        annotations: str | None = None,
        split: Partition = "1k-a-9k",
        captions: str | None = None,
        validation: Literal["own", "test"] = "own",
        validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.05,
        seed: Annotated[int, Field(ge=0)] = 0,
        missing: Annotated[Literal["fail", "drop"], Unnamed()] = "fail",
        follow_links: bool = False,
        own_lists: bool = False,
    ) -> None:
        rules = Rules(
            "msr-vtt",
            OFFICIAL,
            lambda files, held_out: read_annotations(
                files,
                split,
                captions=captions,
                validation=validation if held_out else "test",
                share=validation_share,
                seed=seed,
            ),
            key=video_stem,
            keys=lambda video: (video,),
            video="<video_id>.mp4 or another container",
            layout=layout(split),
        )
        super().__init__(
            rules,
            root=root,
            annotations=annotations,
            missing=missing,
            follow_links=follow_links,
            own_lists=own_lists,
        )

    @classmethod
    def title_of(cls, config: Mapping[str, Any]) -> str:
        """Name the partition, too."""
        name, *rest = super().title_of(config).partition(",")
        return "".join([f"{name} {PARTITIONS[config['split']]}", *rest])

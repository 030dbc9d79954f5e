"""The `activitynet` data set."""

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


class ActivityNet(AnnotatedVideos):
    """ActivityNet Captions as paragraph retrieval: all sentences of a video, joined, against all of it.

    The test split is ``val_1``. There is no validation split: one is held out from train, or, as released,
    the test split is looked at after every epoch.

    Parameters
    ----------
    root
        Folder of the videos, named by their ids without ``v_`` or with it, and of the annotation files.
    annotations
        Folder of the annotation files, where they lie elsewhere.
    validation
        ``own``: held out from train. ``test``: the test split itself, as released.
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

    paper: ClassVar[str] = "ActivityNet Captions, arXiv:1705.00754"
    title: ClassVar[str] = "ActivityNet Captions"
    sources: ClassVar[tuple[Source, ...]] = SOURCES

    def __init__(
        self,
        *,
        root: str | None = None,
        annotations: str | None = None,
        validation: Literal["own", "test"] = "own",
        validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.05,
        seed: Annotated[int, Field(ge=0)] = 0,
        missing: Annotated[Literal["fail", "drop"], Unnamed()] = "fail",
        follow_links: bool = False,
        own_lists: bool = False,
    ) -> None:
        rules = Rules(
            "activitynet",
            OFFICIAL,
            lambda files, held_out: read_annotations(
                files, validation=validation if held_out else "test", share=validation_share, seed=seed
            ),
            key=video_stem,
            keys=lambda clip: (clip.removeprefix("v_"), clip),
            video="<id without v_>.mp4 or another container",
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

"""The `folder` data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tcmgc.unnamed import Unnamed
from tcmgc_plugins.datasets.annotated.annotated_videos import AnnotatedVideos
from tcmgc_plugins.datasets.annotated.find_videos import video_stem
from tcmgc_plugins.datasets.annotated.rules import Rules

from .annotations import read_annotations
from .layout import layout


class Folder(AnnotatedVideos):
    """Videos of one's own: a folder and a table with the columns video, caption, split and, maybe, moments.

    A row is a caption; a video has as many as rows name it. ``video`` is a path below the root, a file's
    name, or its name without the ending. ``moments`` is ``[[start, end], ...]`` in seconds. Where no row
    says ``val``, a validation split is held out from ``train``.

    Parameters
    ----------
    root
        The folder.
    table
        A ``*.csv`` with a header, or ``*.jsonl`` with an object a line, in the root or elsewhere; the only
        one in the root when left out.
    validation_share
        How much of train is held out where the table has no val.
    seed
        Of what is held out.
    missing
        ``fail``, or ``drop`` clips without a readable video.
    follow_links
        Follow symbolic links out of the root.
    """

    paper: ClassVar[str] = "made for tcmgc"
    title: ClassVar[str] = "folder"

    def __init__(
        self,
        *,
        root: str | None = None,
        table: str | None = None,
        validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.05,
        seed: Annotated[int, Field(ge=0)] = 0,
        missing: Annotated[Literal["fail", "drop"], Unnamed()] = "fail",
        follow_links: bool = False,
    ) -> None:
        base = None if root is None else Path(root).expanduser()
        rules = Rules(
            "folder",
            {},
            lambda files, held_out: read_annotations(
                files, table, share=validation_share if held_out else None, seed=seed
            ),
            key=lambda path: _keys(path, base),
            keys=lambda video: (f"/{video}", video),
            video="the path or name that the table says",
            layout=layout(),
            paths=True,
        )
        super().__init__(
            rules,
            root=root,
            annotations=None,
            missing=missing,
            follow_links=follow_links,
            own_lists=True,
        )


def _keys(path: Path, root: Path | None) -> tuple[str, ...]:
    """Return what a file may be called: its path below the root after a slash, its name, its stem."""
    below = () if root is None else (f"/{path.relative_to(root).as_posix()}",)
    return (*below, path.name, *video_stem(path))

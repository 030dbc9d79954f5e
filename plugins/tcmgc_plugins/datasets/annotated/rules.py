"""What is a data set's own, of all that data sets of annotation files share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tcmgc_plugins.datasets.miniature.layout import Layout

    from .annotation_files import AnnotationFiles
    from .entry import Annotations


@dataclass(frozen=True)
class Rules:
    """The rules of a data set.

    Parameters
    ----------
    name
        As it is registered.
    official
        By annotation file, the rows of the published one.
    read
        From the files to the splits. The second argument is false where nothing is to be held out from train.
    layout
        Of a miniature.
    key, keys
        How a clip's file is found: see `tcmgc_plugins.datasets.annotated.find_videos.VideoFinder`.
    video
        What a clip's file is called, as errors say it: ``<id>.mp4``.
    paths
        Whether ids are paths below the root rather than names.
    """

    name: str
    official: Mapping[str, int]
    read: Callable[[AnnotationFiles, bool], Annotations]
    key: Callable[[Path], Sequence[str]]
    keys: Callable[[str], Sequence[str]]
    video: str
    layout: Layout
    paths: bool = False

"""Miniatures: a data set's layout and file names, a few captions, and videos of moving shapes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tcmgc.errors import DataError
from tcmgc.files.disk import writing
from tcmgc.files.output import refuse_unwritable_folder
from tcmgc_plugins.datasets.annotated.mock_note import write_mock_note
from tcmgc_plugins.datasets.storyshapes.annotations import annotate
from tcmgc_plugins.datasets.storyshapes.story import draw_stories

from .story_video import write_story

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc.data.clip import SplitName
    from tcmgc_plugins.datasets.annotated.entry import Annotations
    from tcmgc_plugins.datasets.storyshapes.story import Story

    from .layout import Entries, Layout

FEWEST = 12
"""Videos: below, a split would have fewer than two, or nothing would be left of train to hold out."""
SEED = 0


def write_miniature(
    dataset: str,
    layout: Layout,
    folder: Path,
    videos: int,
    *,
    true: Annotations | None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a miniature; the same call writes the same bytes.

    Half of the videos are train's, a quarter each val's and test's; where val is held out from train, train
    has its quarter, too.

    Parameters
    ----------
    dataset
        The name that it is registered under.
    layout
        Its layout.
    folder
        Empty, or not there.
    videos
        How many.
    true
        The true annotations, of which each split's first clips are taken; None for captions of our own,
        which tell what the videos show.
    progress
        Called with the videos written and the videos in all.

    Raises
    ------
    DataError
        When there are too few videos, or fewer annotated ones, or the folder holds something.
    """
    if videos < FEWEST:
        raise DataError(f"miniature of {dataset}", found=f"{videos} videos", expected=f"at least {FEWEST}")
    refuse_unwritable_folder(folder, f"miniature of {dataset}: folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"miniature of {dataset}: folder {folder}", found="files in it", expected="none")
    counts = _counts(layout, videos)
    entries = None if true is None else _true(dataset, counts, true)
    stories = {name: _stories(name, count, layout.captions) for name, count in counts.items()}
    if entries is None:
        entries = _own(layout, stories)
    with writing(f"miniature of {dataset}: folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
        done = 0
        for name, chosen in entries.items():
            for entry, story in zip(chosen, stories[name], strict=True):
                write_story(story, folder / layout.video(entry.id))
                done += 1
                if progress is not None:
                    progress(done, videos)
        write_mock_note(folder, dataset, layout.write(folder, entries))


def _counts(layout: Layout, videos: int) -> dict[SplitName, int]:
    quarter = videos // 4
    counts: dict[SplitName, int] = {"val": quarter, "test": quarter}
    counts = {name: count for name, count in counts.items() if name in layout.splits}
    return {"train": videos - sum(counts.values()), **counts}


def _stories(name: SplitName, count: int, captions: int) -> list[Story]:
    return draw_stories(name, count + count % 2, seed=SEED, captions=captions)[:count]


def _own(layout: Layout, stories: dict[SplitName, list[Story]]) -> Entries:
    entries = {}
    for name, drawn in stories.items():
        texts: dict[str, list[str]] = {}
        for caption in annotate(name, drawn, Path(), seed=SEED).captions:
            texts.setdefault(caption.clip, []).append(caption.text)
        entries[name] = [layout.entry(name, number, told) for number, told in enumerate(texts.values())]
    return entries


def _true(dataset: str, counts: dict[SplitName, int], true: Annotations) -> Entries:
    chosen = {}
    for name, count in counts.items():
        described = [entry for entry in true[name].entries if entry.sentences]
        if len(described) < count:
            raise DataError(
                f"miniature of {dataset}: annotations of {name}",
                found=f"{len(described)} clips with a caption",
                expected=f"{count}",
                hint="fewer --videos",
            )
        chosen[name] = described[:count]
    return chosen

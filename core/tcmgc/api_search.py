"""The Python face of search: `index_videos`, `open_index`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .app import current_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .data.clip import SplitName
    from .engine.progress import ShowItems
    from .search.build_index import IndexResult, Lists
    from .search.index_folder import Kept
    from .search.searcher import Searcher


def index_videos(
    out: str | Path,
    *,
    model: str | Path | None = None,
    videos: str | Path | None = None,
    split: SplitName = "test",
    overrides: Sequence[str] = (),
    dtype: Kept | None = None,
    coarse: int | None = None,
    lists: Lists = "auto",
    device: str = "auto",
    progress: ShowItems | None = None,
    preparing: Callable[[str, int], None] | None = None,
) -> IndexResult:
    """Encode videos once and keep what texts will need: what ``tcmgc index`` does.

    Parameters
    ----------
    out
        The folder of the index. Videos that are in it already are not encoded again.
    model
        A folder of a run, or what `tcmgc.import_checkpoint` wrote; an index that is there knows its own.
    videos
        A folder of video files; a split of the model's data set when left out.
    split
        ``train``, ``val`` or ``test``.
    overrides
        ``["a.b=value", ...]`` of the model's recipe; the weights still have to fit. Those of ``dataset`` say
        which videos, all others have to be the same whenever videos are added.
    dtype
        ``float32``, as when left out, or ``float16``, half the bytes: docs/search.md has the error.
    coarse
        Coarse vectors a video, 4 when left out.
    lists
        Whether FAISS's lists are written: ``auto`` does for large indexes where FAISS is installed.
    device
        As in `tcmgc.run`.
    progress
        Called with the steps done and in all: decoding a video and encoding it, one each.
    preparing
        Called once with what is made first, as a data set's videos, and how many clips it has.

    Raises
    ------
    ConfigError, DataError
        When the model cannot be used or is not the index's, no video can be read, or the disk is full.
    """
    from .search.build_index import IndexJob, build_index

    job = IndexJob(
        Path(out),
        None if model is None else Path(model),
        None if videos is None else Path(videos),
        split,
        tuple(overrides),
        dtype,
        coarse,
        device,
        lists,
    )
    return build_index(current_registry(), job, progress, preparing)


def open_index(
    folder: str | Path, *, model: str | Path | None = None, device: str = "auto", lists: Lists = "auto"
) -> Searcher:
    """Open what `index_videos` wrote: ``open_index(folder).search("a red circle moves left")``.

    Parameters
    ----------
    folder
        The index.
    model
        Where its model is now; where it was, when left out.
    device
        As in `tcmgc.run`.
    lists
        ``faiss``, ``matrix``, or ``auto``: FAISS's lists where there are some.

    Raises
    ------
    DataError
        When a file of the index is missing or damaged, or the model is another one.

    Warns
    -----
    StaleIndexWarning
        When source code that computes the scores changed since the index was made.
    """
    from .search.searcher import Searcher

    given = None if model is None else Path(model)
    return Searcher.load(current_registry(), Path(folder), model=given, device=device, lists=lists)

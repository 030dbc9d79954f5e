"""Indexing videos: what `tcmgc index` does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tcmgc.errors import ConfigError, DataError
from tcmgc.experiments.listener import Listener

from .coarse import COARSE_VECTORS
from .faiss_coarse import FEWEST, FILE, has_faiss, read_lists, require_faiss, write_lists
from .index_folder import IndexFolder, open_for_writing
from .model_of_index import changes_of_source, load_model, model_folder, refuse_other_model
from .prepared_block import COARSE, block_size, prepare_block
from .video_list import videos_of_folder, videos_of_split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tcmgc.data.clip import Clip, SplitName
    from tcmgc.engine.progress import ShowItems
    from tcmgc.experiments.trained import TrainedModel
    from tcmgc.registry import Registry

    from .about import ModelAbout
    from .index_folder import IndexWriter, Kept
    from .journal import Contents
    from .video_list import VideoList

Lists = Literal["auto", "faiss", "matrix"]


@dataclass(frozen=True)
class IndexJob:
    """What to index.

    Parameters
    ----------
    out
        The folder of the index, new or not.
    model
        A folder with a model; None for the one that the index was made with.
    videos
        A folder of videos; None for a split of the model's data set.
    split
        Of the data set.
    overrides
        Of the model's recipe; ``dataset=NAME`` for another data set. An index that is there has its own, and
        only what is of the data set may be given.
    dtype
        Of a new index; None for float32, or for the index's own.
    coarse
        Coarse vectors a video of a new index; None for `COARSE_VECTORS`, or for as many as the index has.
    device
        As `tcmgc.engine.fabric.make_fabric` takes it.
    lists
        Whether FAISS's lists are written at the end: ``auto`` does so from `FEWEST` videos on, where
        FAISS is installed; ``matrix`` does not, and removes them.
    """

    out: Path
    model: Path | None = None
    videos: Path | None = None
    split: SplitName = "test"
    overrides: Sequence[str] = ()
    dtype: Kept | None = None
    coarse: int | None = None
    device: str = "auto"
    lists: Lists = "auto"


@dataclass(frozen=True)
class IndexResult:
    """What a job did.

    Parameters
    ----------
    index
        As it is now.
    added, there
        Videos that were indexed, and those that were there before.
    failed
        Ids of the list that could not be read.
    others
        Files of the folder that are no videos by their endings.
    """

    index: IndexFolder
    added: int
    there: int
    failed: tuple[str, ...]
    others: int


def build_index(
    registry: Registry,
    job: IndexJob,
    progress: ShowItems | None = None,
    preparing: Callable[[str, int], None] | None = None,
) -> IndexResult:
    """Index the videos that are not there yet; a killed process goes on with the next block.

    A video whose file is of another size or time than it was is indexed again. One that cannot be read costs
    nothing but itself; it is tried again the next time.

    Parameters
    ----------
    registry
        Where components are found.
    job
        What and how.
    progress
        Called with the steps done and in all: decoding a video and encoding it, one each.
    preparing
        Called once with what is made first, as a data set's videos, and how many clips it has.

    Raises
    ------
    ConfigError
        When the job does not fit the index, or the model cannot be used.
    DataError
        When files are wrong, or no video at all can be read.
    """
    if job.lists == "faiss":
        require_faiss()  # rather than after hours of encoding
    with open_for_writing(job.out) as writer:
        model, about = _model(registry, job, writer)
        model.session.listener = _Preparing(preparing)
        listed = _videos(job, model)
        wanted = [clip for clip in listed.clips if not _is_there(writer.contents, clip)]
        writer.start(about, listed.about, job.dtype or "float32")
        coarse = _coarse(job, writer)
        size, total = block_size(model), 2 * len(wanted)
        for start in range(0, len(wanted), size):

            def told(done: int, _: int, at: int = 2 * start) -> None:
                if progress is not None:
                    progress(at + done, total)

            writer.add(prepare_block(model, wanted[start : start + size], coarse, told))
        if writer.about is None:
            raise _nothing_readable(writer, listed)
    index = IndexFolder.open(job.out)
    _write_lists(index, job.lists, changed=bool(wanted))
    failed = tuple(clip.id for clip in wanted if clip.id in index.contents.failed)
    return IndexResult(
        index, len(wanted) - len(failed), len(listed.clips) - len(wanted), failed, listed.others
    )


def _coarse(job: IndexJob, writer: IndexWriter) -> int:
    """Coarse vectors a video."""
    if writer.about is None:
        return job.coarse or COARSE_VECTORS
    kept = next(about.shape[0] for about in writer.about.arrays if about.name == COARSE)
    if job.coarse not in (None, kept):
        raise ConfigError("--coarse-vectors", found=str(job.coarse), expected=f"{kept}, as {job.out} has")
    return kept


class _Preparing(Listener):
    """Passes on that a data set is made, once."""

    def __init__(self, tell: Callable[[str, int], None] | None) -> None:
        self._tell = tell

    def preparing(self, what: str, unit: str, done: int, total: int) -> None:
        """Tell it the first time."""
        if self._tell is not None:
            self._tell(what, total)
            self._tell = None


def _model(registry: Registry, job: IndexJob, writer: IndexWriter) -> tuple[TrainedModel, ModelAbout]:
    if writer.about is None:
        if job.model is None:
            raise ConfigError(
                f"index {job.out}",
                found="no --model",
                expected="--model DIR, a run's folder, for a new index",
            )
        return load_model(registry, job.model, job.overrides, job.device)
    kept = writer.about
    if job.dtype not in (None, kept.dtype):
        raise ConfigError(
            "--dtype", found=str(job.dtype), expected=f"{kept.dtype}, as the index {job.out} was made with"
        )
    overrides = [*kept.model.overrides, *(text for text in job.overrides if text not in kept.model.overrides)]
    folder = model_folder(job.out, kept.model, job.model)
    model, about = load_model(registry, folder, overrides, job.device)
    refuse_other_model(job.out, kept.model, about)
    changes = changes_of_source(kept.model, about)
    if changes:
        raise DataError(
            f"index {job.out}",
            found=f"{changes[0]} since it was made",
            expected="the same code for all videos of an index",
            hint="index the videos again into another folder",
        )
    return model, about


def _videos(job: IndexJob, model: TrainedModel) -> VideoList:
    if job.videos is not None:
        return videos_of_folder(job.videos)
    config = model.recipe.config["dataset"]
    if config is None:
        raise ConfigError(
            f"index {job.out}",
            found="no --videos, and a model without a data set",
            expected="--videos DIR, or --dataset NAME",
        )
    split = model.split(job.split)
    dataset = model.session.parts(model.recipe).dataset
    settings = [f"{key}={json.dumps(value)}" for key, value in config.items() if key != "name"]
    return videos_of_split(dataset, split, config["name"], settings)


def _is_there(contents: Contents, clip: Clip) -> bool:
    """Whether a video is in the index as its file is now."""
    row = contents.rows.get(clip.id)
    if row is None:
        return False
    video = contents.videos[row]
    if video.path != str(clip.path):
        if Path(video.path).exists():
            raise DataError(
                f"video {clip.id}",
                found=f"{clip.path}, and in the index {video.path}",
                expected="one file of that name",
                hint="index the folder above both, or each into its own index",
            )
        return False
    try:
        stat = clip.path.stat()
    except OSError:
        return False
    now = (stat.st_size, stat.st_mtime_ns, clip.start, clip.end)
    return now == (video.bytes, video.modified_ns, video.start, video.end)


def _nothing_readable(writer: IndexWriter, listed: VideoList) -> DataError:
    first = writer.unreadable[0]
    return DataError(
        f"videos of {listed.about.name}",
        found=f"none of {len(listed.clips)} can be read; {first.id}: {first.reason}",
        expected="at least one that can",
    )


def _write_lists(index: IndexFolder, lists: Lists, *, changed: bool) -> None:
    path = index.path / FILE
    wanted = lists == "faiss" or (lists == "auto" and has_faiss() and index.rows >= FEWEST)
    if not wanted:
        if changed or lists == "matrix":
            path.unlink(missing_ok=True)
    elif changed or not _has_lists(index):
        write_lists(index.path, index.arrays[COARSE])


def _has_lists(index: IndexFolder) -> bool:
    """Whether there are lists of all videos; a killed process may have left older ones."""
    try:
        read_lists(index.path, index.rows, index.coarse_vectors)
    except DataError:
        return False
    return True

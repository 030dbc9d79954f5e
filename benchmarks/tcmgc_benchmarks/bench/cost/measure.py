"""What the scoring of one model costs: arithmetic, time, the size of an index, memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcmgc.cost.index_bytes import state_bytes
from tcmgc.cost.random_features import random_features
from tcmgc.cost.scoring_flops import scoring_flops, torch_flops
from tcmgc.cost.scoring_memory import scoring_memory
from tcmgc.tiles import Tiling

from .prepared_gallery import PreparedGallery
from .stopwatch import seconds_of, walk_gallery

if TYPE_CHECKING:
    from collections.abc import Callable

    from tcmgc import RetrievalModel, Sizes
    from tcmgc.cost.scoring_flops import ScoringFlops

    from .stopwatch import Walked

VIDEOS = 32
"""That are prepared; galleries are copies of them."""


@dataclass(frozen=True)
class Setting:
    """What is measured.

    Parameters
    ----------
    texts
        T, prepared at a time; pairs are timed of as many, or of a tile's where those are fewer.
    galleries
        Sizes V that a query is timed at; of the first, pairs and memory.
    memory
        Bytes of prepared videos at a time, see `PreparedGallery`.
    patience
        Seconds of a query after which the rest is extrapolated.
    """

    texts: int = 64
    galleries: tuple[int, ...] = (1_000, 100_000)
    memory: int = 2**30
    patience: float = 10.0


@dataclass(frozen=True)
class Query:
    """The time of one text against a gallery.

    Parameters
    ----------
    videos
        V.
    microseconds
        Preparing the text and scoring V prepared videos, the median over the rounds.
    scored
        Videos that were; where fewer than V, the time is extrapolated from them.
    distinct
        Videos in memory; where fewer than V, they were read over and over.
    rounds
        That were timed.
    """

    videos: int
    microseconds: float
    scored: int
    distinct: int
    rounds: int


@dataclass(frozen=True)
class Cost:
    """What scoring costs.

    Parameters
    ----------
    label
        Of what was measured.
    sizes
        What it was built for.
    parameters
        Behind the encoders.
    flops, torch_flops
        Our count, and PyTorch's: `tcmgc.cost.scoring_flops`.
    microseconds_per_text, microseconds_per_video
        Once an item: its stages, and what the scorer prepares of it.
    microseconds_per_pair
        Of prepared items, in tiles.
    queries
        One for each gallery.
    index_bytes_per_video
        Of a prepared video.
    memory_bytes
        Of scoring the first gallery: `tcmgc.cost.scoring_memory`.
    """

    label: str
    sizes: Sizes
    parameters: int
    flops: ScoringFlops
    torch_flops: ScoringFlops
    microseconds_per_text: float
    microseconds_per_video: float
    microseconds_per_pair: float
    queries: tuple[Query, ...]
    index_bytes_per_video: int
    memory_bytes: int


def measure_cost(
    label: str, model: RetrievalModel, setting: Setting, tell: Callable[[str], None] = lambda _: None
) -> Cost:
    """Measure a model where it stands.

    Parameters
    ----------
    label
        What to call it.
    model
        Everything behind the encoders; is put into evaluation mode.
    setting
        What.
    tell
        Is told what is measured next.
    """
    model.eval()
    device = model.logit_scale.device
    tell("arithmetic")
    flops, checked = scoring_flops(model), torch_flops(model)
    tell("memory")
    memory = scoring_memory(model, setting.galleries[0])
    tell("text and video")
    text, video = random_features(model, setting.texts, VIDEOS)
    per_text = seconds_of(lambda: model.prepare_text(text), device, setting.patience) / setting.texts
    per_video = seconds_of(lambda: model.prepare_video(video), device, setting.patience) / VIDEOS
    tile = Tiling.of(model.scorer, model.logit_scale)
    texts, pairs = min(setting.texts, tile.texts), tile.texts * tile.videos
    queries, state = model.prepare_text(text[:texts]), model.prepare_video(video)
    tell("pairs")
    gallery = PreparedGallery(state, setting.galleries[0], setting.memory)
    walked = walk_gallery(model, lambda: queries, gallery, pairs, setting.patience)
    timed = []
    for videos in setting.galleries:
        tell(f"a query at {videos:,} videos")
        gallery = PreparedGallery(state, videos, setting.memory)
        walked_row = walk_gallery(
            model, lambda: model.prepare_text(text[:1]), gallery, pairs, setting.patience
        )
        timed.append(_query(gallery, walked_row))
    return Cost(
        label=label,
        sizes=model.sizes,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        flops=flops,
        torch_flops=checked,
        microseconds_per_text=1e6 * per_text,
        microseconds_per_video=1e6 * per_video,
        microseconds_per_pair=1e6 * walked.seconds / (walked.videos * texts),
        queries=tuple(timed),
        index_bytes_per_video=state_bytes(state) // VIDEOS,
        memory_bytes=memory,
    )


def _query(gallery: PreparedGallery, walked: Walked) -> Query:
    return Query(
        videos=gallery.videos,
        microseconds=1e6 * walked.seconds * gallery.videos / walked.videos,
        scored=walked.videos,
        distinct=gallery.distinct,
        rounds=walked.rounds,
    )

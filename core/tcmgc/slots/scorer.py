"""The scorer slot: features of texts and videos to scores, for models that are not granular."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from torch import Tensor

from tcmgc.features import TextFeatures, VideoFeatures
from tcmgc.scores import Scores
from tcmgc.state import State


@runtime_checkable
class Scorer(Protocol):
    """Score every text against every video.

    `tcmgc.granular.GranularScorer`, which a recipe's views, granularities and aggregator make, is the
    usual one. What can be computed once an item is computed in ``prepare_*``, so that the galleries are
    walked in tiles at no further cost.
    """

    @property
    def inputs(self) -> frozenset[str]:
        """The features it reads: of ``sentence``, ``words``, ``frames``, ``raw_frames``, ``patches``."""
        ...

    @property
    def floats_per_pair(self) -> int:
        """About how many numbers one pair keeps alive at a time: tiles are sized by it."""
        ...

    def prepare_text(self, text: TextFeatures) -> State:
        """Compute what one text needs, once: tensors led by T."""
        ...

    def prepare_video(self, video: VideoFeatures) -> State:
        """Compute what one video needs, once: tensors led by V."""
        ...

    def __call__(self, text: State, video: State, logit_scale: Tensor) -> Scores:
        """Score the tile of T texts and V videos whose states are given."""
        ...

    def aggregate(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Combine parts, each [T, V], which a normalizer may have changed, to the total [T, V]."""
        ...

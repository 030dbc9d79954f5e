"""Where the relevant items of every query stand, ties kept: what every retrieval metric reads.

Shapes: T texts, V videos, Q queries, G tie groups that hold a relevant item.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from .errors import ConfigError, nearest
from .first_relevant import first_rank_cdf
from .similarity_checks import check_groups, check_similarity
from .tie_groups import caption_groups_of_videos, captions_of_videos, videos_of_texts

if TYPE_CHECKING:
    from .arrays import Float1D, Int1D, Matrix
    from .slots.metric import Ties

Direction = Literal["t2v", "v2t"]
"""Texts search videos, or videos search texts."""

V2TRule = Literal["caption-group", "best-caption"]
"""What a video searches when it has several captions.

``caption-group``: V groups, each scored by the best of its captions; one of them is relevant. The rule of
CLIP4Clip's ``tensor_video_to_text_sim`` and of the code that descends from it.
``best-caption``: all T captions one by one; every caption of the video is relevant.
With one caption a video the two are the same.
"""


@dataclass(frozen=True, eq=False)
class Ranking:
    """The positions of relevant items, with equal scores left unordered.

    A *tie group* is the set of items to which a query gives one score. A metric needs only those that
    hold a relevant item: query q owns the groups start[q] ... start[q + 1] - 1, best first.

    Parameters
    ----------
    above
        Items that score strictly higher than the group, [G].
    size
        Items in the group, [G].
    relevant
        Relevant items in the group, [G], at least 1.
    start
        First group of each query and, at the end, G, [Q + 1].
    items
        How many items each query ranks.
    """

    above: Int1D
    size: Int1D
    relevant: Int1D
    start: Int1D
    items: int

    @property
    def queries(self) -> int:
        """How many queries there are."""
        return len(self.start) - 1

    @property
    def tied_queries(self) -> int:
        """How many queries score a relevant and an irrelevant item alike."""
        mixed_G = (self.size > self.relevant).astype(np.int64)
        return int(np.count_nonzero(np.add.reduceat(mixed_G, self.start[:-1])))

    def best_groups(self) -> tuple[Int1D, Int1D, Int1D]:
        """Return above, size and relevant, each [Q], of each query's best tie group."""
        best_Q = self.start[:-1]
        return self.above[best_Q], self.size[best_Q], self.relevant[best_Q]

    def distinct_best_groups(self) -> tuple[Int1D, Int1D, Int1D, Int1D]:
        """Return the distinct rows of `best_groups`, and how many queries have each."""
        rows, queries = np.unique(np.stack(self.best_groups(), axis=1), axis=0, return_counts=True)
        return rows[:, 0], rows[:, 1], rows[:, 2], queries

    def first_rank(self, ties: Ties) -> Float1D:
        """Rank of each query's first relevant item.

        Parameters
        ----------
        ties
            ``expected`` gives the mean over tie orders; only a metric that is linear in the rank may be
            computed from it.

        Returns
        -------
        ndarray [Q]
            Ranks, counted from 1.
        """
        above_Q, size_Q, relevant_Q = self.best_groups()
        offset = {
            "optimistic": np.ones(self.queries),
            # The mean of the least of R positions drawn from 1 ... n without replacement.
            "expected": (size_Q + 1) / (relevant_Q + 1),
            "pessimistic": size_Q - relevant_Q + 1.0,
        }
        ranks_Q: Float1D = above_Q + offset[ties]
        return ranks_Q

    def within(self, k: int, ties: Ties) -> Float1D:
        """Probability that each query's first relevant item is among the first ``k``.

        Parameters
        ----------
        k
            A rank, counted from 1.
        ties
            ``optimistic`` and ``pessimistic`` give 0 or 1.

        Returns
        -------
        ndarray [Q]
            Probabilities.
        """
        if ties == "expected":
            return first_rank_cdf(*self.best_groups(), k)
        return (self.first_rank(ties) <= k).astype(np.float64)


def rank(
    similarity_TV: Matrix,
    video_of_text_T: Int1D | None = None,
    direction: Direction = "t2v",
    v2t_rule: V2TRule = "caption-group",
) -> Ranking:
    """Rank every query of one direction.

    Parameters
    ----------
    similarity_TV
        Scores [T, V], floating point, higher is more similar.
    video_of_text_T
        Column [T] of each text's video; None pairs texts and videos by index.
    direction
        Which side searches.
    v2t_rule
        What a video with several captions searches; without effect on ``t2v``.

    Returns
    -------
    Ranking
        Of T queries (t2v) or V queries (v2t).

    Raises
    ------
    DataError
        If a score is not finite, or shapes, dtypes or groups do not fit.
    ConfigError
        If ``direction`` or ``v2t_rule`` is unknown.
    """
    _check_option("direction", direction, get_args(Direction))
    _check_option("v2t_rule", v2t_rule, get_args(V2TRule))
    check_similarity(similarity_TV)
    texts, videos = similarity_TV.shape
    video_of_text_T = check_groups(video_of_text_T, texts, videos)
    if direction == "t2v":
        return Ranking(*videos_of_texts(similarity_TV, video_of_text_T), items=videos)
    if v2t_rule == "caption-group":
        return Ranking(*caption_groups_of_videos(similarity_TV, video_of_text_T), items=videos)
    return Ranking(*captions_of_videos(similarity_TV, video_of_text_T), items=texts)


def _check_option(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(
            option, found=repr(value), expected=" or ".join(known), hint=nearest(str(value), known)
        )

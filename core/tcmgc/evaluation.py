"""All metrics of a similarity matrix, in both directions, with what ties could change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict, get_args

import numpy as np

from .errors import ConfigError, DataError, nearest
from .ranking import Direction, Ranking, V2TRule, rank
from .slots.metric import Ties

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from .slots.metric import Metric


class DirectionMetrics(TypedDict):
    """The numbers of one direction, each by the short name its metric gives it.

    Attributes
    ----------
    values
        Under the chosen tie policy: what to report.
    optimistic, expected, pessimistic
        Under each policy; the first and the last are the least and the greatest that ties allow.
    queries
        How many queries there are.
    items
        How many items each query ranks.
    tied_queries
        Queries that score a relevant and an irrelevant item alike.
    """

    values: dict[str, float]
    optimistic: dict[str, float]
    expected: dict[str, float]
    pessimistic: dict[str, float]
    queries: int
    items: int
    tied_queries: int


def metrics(
    similarity: ArrayLike,
    video_of_text: ArrayLike | None = None,
    *,
    measures: Mapping[str, Metric],
    ties: Ties = "expected",
    v2t_rule: V2TRule = "caption-group",
) -> dict[str, DirectionMetrics]:
    """Evaluate a similarity matrix.

    Parameters
    ----------
    similarity
        Scores [T, V] of T texts and V videos, floating point: a numpy array, a torch tensor on any
        device, or whatever else numpy can read.
    video_of_text
        Column [T] of each text's video; None pairs texts and videos by index.
    measures
        The metrics, by the name they are registered under.
    ties
        The policy of ``values``.
    v2t_rule
        What a video with several captions searches, see `tcmgc.ranking.V2TRule`.

    Returns
    -------
    dict
        `DirectionMetrics` under ``t2v`` and under ``v2t``.

    Raises
    ------
    DataError
        If a score is not finite, or shapes, dtypes or groups do not fit.
    ConfigError
        If a policy or rule is unknown, or two metrics return the same name.
    """
    known = get_args(Ties)
    if ties not in known:
        raise ConfigError(
            "ties", found=repr(ties), expected=" or ".join(known), hint=nearest(str(ties), known)
        )
    similarity_TV = as_array(similarity, "similarity")
    video_of_text_T = None if video_of_text is None else as_array(video_of_text, "video_of_text")
    return {
        direction: measure_ranking(rank(similarity_TV, video_of_text_T, direction, v2t_rule), measures, ties)
        for direction in get_args(Direction)
    }


def measure_ranking(
    ranking: Ranking, measures: Mapping[str, Metric], ties: Ties = "expected"
) -> DirectionMetrics:
    """Evaluate one direction, given where its relevant items stand; the rest is as in `metrics`."""
    by_policy = {policy: _measure(ranking, measures, policy) for policy in get_args(Ties)}
    return DirectionMetrics(
        values=dict(by_policy[ties]),
        optimistic=by_policy["optimistic"],
        expected=by_policy["expected"],
        pessimistic=by_policy["pessimistic"],
        queries=ranking.queries,
        items=ranking.items,
        tied_queries=ranking.tied_queries,
    )


def _measure(ranking: Ranking, measures: Mapping[str, Metric], ties: Ties) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, measure in measures.items():
        numbers = measure(ranking, ties)
        if taken := found.keys() & numbers.keys():
            raise ConfigError(
                f"metric {name!r}",
                found=f"{', '.join(sorted(taken))}, which another metric returns too",
                expected="names of its own",
            )
        found |= numbers
    return found


def as_array(values: ArrayLike, where: str) -> NDArray[Any]:
    """Convert to numpy without importing torch.

    Parameters
    ----------
    values
        An array, a torch tensor (detached, brought to the CPU, bfloat16 widened) or nested lists.
    where
        What to call it in an error.

    Returns
    -------
    ndarray
        Sharing memory where it can.

    Raises
    ------
    DataError
        If numpy cannot read it.
    """
    source: Any = values
    if hasattr(source, "detach"):
        source = source.detach().cpu()
        if str(source.dtype) == "torch.bfloat16":  # numpy has none; float32 holds each of its values
            source = source.float()
    try:
        return np.asarray(source)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(where, found=str(error), expected="an array") from None

"""Scores after a test-time normalizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from .errors import ConfigError, DataError, PluginError
from .scores import Scores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from .ranking import Direction
    from .slots.normalizer import Normalizer

TOTAL = "total"


def normalized_scores(
    normalizer: Normalizer,
    scores: Scores,
    bank: Scores | None,
    direction: Direction,
    aggregate: Callable[[Mapping[str, Tensor]], Tensor],
) -> Scores:
    """Rescore what a normalizer applies to.

    Parameters
    ----------
    normalizer
        Of a recipe.
    scores
        Of T texts and V videos.
    bank
        Of B training texts and the V videos for t2v, of the T texts and B training videos for v2t; None
        where it needs none.
    direction
        Which side asks.
    aggregate
        The scorer's: parts to total.

    Returns
    -------
    Scores
        The total is normalised; the parts are too, unless the normalizer applies to the total.

    Raises
    ------
    ConfigError
        When a bank is needed and there is none.
    DataError
        When the bank holds no query, or a normalised score is not finite.
    PluginError
        When other parts come out than went in, or other shapes.
    """
    if normalizer.needs != "bank":
        bank = None
    elif bank is None:
        raise ConfigError(
            f"normalizer {type(normalizer).__name__}", found="no bank", expected="scores of training queries"
        )
    elif 0 in bank.total.shape:
        raise DataError(
            "bank", found="no training query", expected="at least one, scored against the candidates"
        )
    on_total = normalizer.applies_to == TOTAL
    given = {TOTAL: scores.total} if on_total else scores.parts
    known = None if bank is None else {TOTAL: bank.total} if on_total else bank.parts
    rescored = normalizer(given, known, direction)
    for name in given.keys() | rescored.keys():
        _check(normalizer, name, given.get(name), rescored.get(name))
    if on_total:
        return Scores(rescored[TOTAL], scores.parts)
    ordered = {name: rescored[name] for name in given}  # aggregators go by order
    return Scores(aggregate(ordered), ordered)


def _check(normalizer: Normalizer, name: str, before: Tensor | None, after: Tensor | None) -> None:
    what = f"score {name} after normalizer {type(normalizer).__name__}"
    if before is None or after is None or before.shape != after.shape:
        raise PluginError(
            what,
            found="none" if after is None else f"shape {list(after.shape)}",
            expected="none" if before is None else f"{list(before.shape)}, as before",
        )
    bad = torch.nonzero(~torch.isfinite(after))
    if len(bad):
        t, v = bad[0].tolist()
        raise DataError(
            f"{what} of text {t} and video {v}", found=str(after[t, v].item()), expected="a finite number"
        )

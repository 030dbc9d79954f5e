"""The similarity of every word (or sentence) and every visual vector of every pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Similarity:
    """Similarities within every (text, video) pair.

    Parameters
    ----------
    values
        [T, V, P, Q]: P text vectors (1 for a sentence, W for words) against Q visual vectors.
    mask
        bool, broadcastable to [T, V, P, Q], True where both vectors are real; None where masks are
        ignored, as most published methods do.
    """

    values: Tensor
    mask: Tensor | None = None

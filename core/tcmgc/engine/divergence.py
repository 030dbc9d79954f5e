"""A training whose numbers are no numbers any more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tcmgc.errors import TcmgcError

if TYPE_CHECKING:
    from collections.abc import Mapping


class TrainingDiverged(TcmgcError):  # noqa: N818 (said to a person, as TcmgcError's others)
    """A loss or a gradient is not finite."""


def refuse_non_finite(
    loss: float, terms: Mapping[str, float], gradient_norm: float, *, epoch: int, step: int
) -> None:
    """Stop before a step that would spoil the weights.

    Parameters
    ----------
    loss, terms
        The weighted sum, and the losses before their weights.
    gradient_norm
        Of all gradients together.
    epoch, step
        Both from 1; steps count from the start of the training.
    """
    if math.isfinite(loss) and math.isfinite(gradient_norm):
        return
    named = ", ".join(f"{name} {value:.4g}" for name, value in terms.items())
    what = "loss" if not math.isfinite(loss) else "gradient norm"
    value = loss if what == "loss" else gradient_norm
    raise TrainingDiverged(
        f"step {step}, in epoch {epoch}",
        found=f"a {what} of {value} (losses: {named})",
        expected="finite numbers",
        hint="a lower training.learning_rate or encoder_learning_rate, a longer warm-up, "
        "a smaller training.gradient_clip, or precision 32-true",
    )

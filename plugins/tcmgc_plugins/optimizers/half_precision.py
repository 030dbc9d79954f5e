"""Refusing weights in half precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tcmgc.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

HALF = (torch.float16, torch.bfloat16)
REASON = (
    "moments are kept in the weights' type, and in float16 that of squares is 0 below |gradient| = 1.2e-3"
)


def refuse_half_precision(groups: Sequence[dict[str, Any]], optimizer: str) -> None:
    """Refuse to train weights that are float16 or bfloat16.

    The official codes of CLIP4Clip and its descendants do train CLIP's matrices in float16. The average of
    squares is then 0 for most gradients, and a step the average gradient over eps: gradient descent with
    momentum, at a million times the rate. See docs/decisions/0044.

    Parameters
    ----------
    groups
        With ``params``.
    optimizer
        Its name.

    Raises
    ------
    ConfigError
        When a weight is float16 or bfloat16.
    """
    found = {parameter.dtype for group in groups for parameter in group["params"]} & {*HALF}
    if found:
        raise ConfigError(
            f"optimizer {optimizer}",
            found=f"weights in {', '.join(sorted(str(kind).removeprefix('torch.') for kind in found))}",
            expected=f"float32: {REASON}",
            hint="precision is the device's; weights stay float32 under it",
        )

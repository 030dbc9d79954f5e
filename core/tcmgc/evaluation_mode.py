"""Models in evaluation mode for a while."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout and its like off, and every module back to the mode it was in."""
    trained = [module for module in model.modules() if module.training]
    if not trained:  # another thread may be in here, too
        yield
        return
    model.eval()
    try:
        yield
    finally:
        for module in trained:
            module.training = True

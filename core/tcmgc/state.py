"""What is computed once an item and sliced into tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

State: TypeAlias = "Mapping[str, Tensor]"
"""Named tensors that all share their first dimension, the items: T texts or V videos."""


def take(state: State, items: slice) -> State:
    """Slice every tensor of a state along its items."""
    return {name: tensor[items] for name, tensor in state.items()}


def under(prefix: str, state: State) -> dict[str, Tensor]:
    """Put a state's names under ``prefix/``, so that several fit into one."""
    return {f"{prefix}/{name}": tensor for name, tensor in state.items()}


def of(prefix: str, state: State) -> State:
    """Read back what `under` stored."""
    start = len(prefix) + 1
    return {name[start:]: tensor for name, tensor in state.items() if name.startswith(f"{prefix}/")}

"""The optimizer slot: parameter groups to a torch optimizer."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import nn
from torch.optim import Optimizer as TorchOptimizer


@runtime_checkable
class Optimizer(Protocol):
    """Make an optimizer, and say which parameters it decays."""

    weight_decay: float
    """Decay of the parameters that `decays` names."""

    def decays(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether a parameter is decayed."""
        ...

    def __call__(self, groups: Sequence[dict[str, Any]]) -> TorchOptimizer:
        """Make the optimizer of groups with ``params``, ``lr`` and ``weight_decay``."""
        ...

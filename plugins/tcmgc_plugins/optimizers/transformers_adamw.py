"""AdamW as Hugging Face's transformers had it, and X-Pool copied it."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from .adamw import Betas
from .half_precision import refuse_half_precision


class TransformersAdamW:
    """AdamW whose eps stands beside the uncorrected root, and whose decay comes after the update.

    Everything is decayed: X-Pool has 0.2 on all parameters, biases and the logit scale included. PyTorch's
    AdamW divides by ``sqrt(v / (1 - b2^k)) + eps``, so that its eps weighs more in the first steps, and
    decays before it updates.

    Parameters
    ----------
    weight_decay
        A step takes this share of the learning rate off every parameter.
    betas
        Decay of the averages of the gradient and of its square.
    eps
        Added to the square root of the latter.
    """

    paper: ClassVar[str] = "X-Pool, arXiv:2203.15086, modules/optimization.py"

    def __init__(
        self,
        *,
        weight_decay: Annotated[float, Field(ge=0)] = 0.2,
        betas: Betas = (0.9, 0.999),
        eps: Annotated[float, Field(gt=0)] = 1e-6,
    ) -> None:
        self.weight_decay = weight_decay
        self.betas = tuple(betas)
        self.eps = eps

    def decays(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether it is a parameter."""
        return True

    def __call__(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """Make the optimizer."""
        refuse_half_precision(groups, "transformers-adamw")
        beta1, beta2 = self.betas
        return TransformersAdamWUpdate(groups, beta1, beta2, self.eps)


class TransformersAdamWUpdate(torch.optim.Optimizer):
    """The update itself.

    At the k-th gradient g of a parameter, from 1: ``m = b1 m + (1 - b1) g``, ``v = b2 v + (1 - b2) g^2``,
    ``p -= lr sqrt(1 - b2^k) / (1 - b1^k) m / (sqrt(v) + eps)``, then ``p -= lr decay p``.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], beta1: float, beta2: float, eps: float) -> None:
        super().__init__(list(groups), {"weight_decay": 0.0})
        self._beta1, self._beta2, self._eps = beta1, beta2, eps

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group["lr"], group["weight_decay"])

    def _update(self, parameter: Tensor, gradient: Tensor, lr: float, weight_decay: float) -> None:
        state = self.state[parameter]
        if not state:
            state |= {"k": 0, "m": torch.zeros_like(parameter), "v": torch.zeros_like(parameter)}
        state["k"] += 1
        m, v = state["m"], state["v"]
        m.lerp_(gradient, 1 - self._beta1)
        v.mul_(self._beta2).addcmul_(gradient, gradient, value=1 - self._beta2)
        corrected = math.sqrt(1 - self._beta2 ** state["k"]) / (1 - self._beta1 ** state["k"])
        parameter.addcdiv_(m, v.sqrt().add_(self._eps), value=-lr * corrected)
        parameter.add_(parameter, alpha=-lr * weight_decay)

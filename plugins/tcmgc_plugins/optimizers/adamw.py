"""AdamW."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import nn

from .half_precision import refuse_half_precision

Betas = Annotated[Sequence[Annotated[float, Field(ge=0, lt=1)]], Field(min_length=2, max_length=2)]


class AdamW:
    """Adam with decoupled weight decay, as PyTorch has it.

    Matrices are decayed; biases, gains and the logit scale, which have fewer than two dimensions, are
    not. The defaults are those of CLIP's pre-training.

    Parameters
    ----------
    weight_decay
        A step takes this share of the learning rate off a decayed parameter.
    betas
        Decay of the averages of the gradient and of its square.
    eps
        Added to the square root of the latter.
    """

    paper: ClassVar[str] = "Loshchilov & Hutter, Decoupled Weight Decay Regularization, ICLR 2019"

    def __init__(
        self,
        *,
        weight_decay: Annotated[float, Field(ge=0)] = 0.2,
        betas: Betas = (0.9, 0.98),
        eps: Annotated[float, Field(gt=0)] = 1e-6,
    ) -> None:
        self.weight_decay = weight_decay
        self.betas = tuple(betas)
        self.eps = eps

    def decays(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether it has two dimensions or more."""
        return parameter.ndim >= 2

    def __call__(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """Make the optimizer; all tensors are updated in one call, which matters for small models."""
        refuse_half_precision(groups, "adamw")
        beta1, beta2 = self.betas
        return torch.optim.AdamW(list(groups), betas=(beta1, beta2), eps=self.eps, fused=True)

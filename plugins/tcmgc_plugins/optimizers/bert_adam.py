"""BertAdam, the optimizer of CLIP4Clip and its descendants."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from .adamw import Betas
from .half_precision import refuse_half_precision

LARGEST_NORM = 1.0
"""What the release clips the gradient of every single tensor to, inside the step."""


class BertAdam:
    """Adam as in the first release of BERT for PyTorch: no bias correction, per-tensor clipping.

    Every parameter is decayed whose name does not contain ``bias``: gains of layer norms, position
    tables, the logit scale and identity matrices too. The filter of the release also lists
    ``LayerNorm.bias`` and ``LayerNorm.weight``, which no parameter is called.

    The schedule of the release is part of the optimizer; here it is a component of its own, which the
    engine applies, so that a tensor that had no gradient in some steps follows the common step count
    rather than its own.

    Parameters
    ----------
    weight_decay
        Decoupled: a step takes this share of the learning rate off a decayed parameter.
    betas
        Decay of the averages of the gradient and of its square.
    eps
        Added to the square root of the latter, which is not bias-corrected.
    """

    paper: ClassVar[str] = "CLIP4Clip, arXiv:2104.08860, modules/optimization.py"

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
        """Whether its name is without ``bias``."""
        return "bias" not in name

    def __call__(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """Make the optimizer."""
        refuse_half_precision(groups, "bert-adam")
        beta1, beta2 = self.betas
        return BertAdamUpdate(groups, beta1, beta2, self.eps)


class BertAdamUpdate(torch.optim.Optimizer):
    """The update itself.

    Of a gradient g: ``g *= min(1, 1 / (|g| + 1e-6))``, ``m = b1 m + (1 - b1) g``,
    ``v = b2 v + (1 - b2) g^2``, ``p -= lr (m / (sqrt(v) + eps) + decay p)``. A parameter without a
    gradient is left alone.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], beta1: float, beta2: float, eps: float) -> None:
        super().__init__(list(groups), {"weight_decay": 0.0})
        self._beta1, self._beta2, self._eps = beta1, beta2, eps

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            found = [(p, p.grad) for p in group["params"] if p.grad is not None]
            if found:
                parameters, gradients = map(list, zip(*found, strict=True))
                self._update(parameters, gradients, group["lr"], group["weight_decay"])

    def _update(
        self, parameters: list[Tensor], gradients: list[Tensor], lr: float, weight_decay: float
    ) -> None:
        """Update a group; lists of tensors in one call, as loops over tensors cost more than the sums."""
        for parameter in parameters:
            if not self.state[parameter]:
                zeros = {name: torch.zeros_like(parameter) for name in ("m", "v")}
                self.state[parameter] = zeros
        m = [self.state[parameter]["m"] for parameter in parameters]
        v = [self.state[parameter]["v"] for parameter in parameters]
        norms_N = torch.stack(torch._foreach_norm(gradients))
        shares_N = (LARGEST_NORM / (norms_N + 1e-6)).clamp(max=1.0)
        clipped = torch._foreach_mul(gradients, shares_N.unbind())
        torch._foreach_mul_(m, self._beta1)
        torch._foreach_add_(m, clipped, alpha=1 - self._beta1)
        torch._foreach_mul_(v, self._beta2)
        torch._foreach_addcmul_(v, clipped, clipped, value=1 - self._beta2)
        roots = torch._foreach_sqrt(v)
        torch._foreach_add_(roots, self._eps)
        updates = torch._foreach_div(m, roots)
        torch._foreach_add_(updates, parameters, alpha=weight_decay)
        torch._foreach_add_(parameters, updates, alpha=-lr)

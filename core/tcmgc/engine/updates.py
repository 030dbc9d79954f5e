"""One step of a training: loss, gradients, rates, update."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn.utils import clip_grad_norm_

from tcmgc.errors import ConfigError, PluginError, TcmgcError

from .divergence import refuse_non_finite
from .parameter_groups import parameter_groups, trained_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from lightning_fabric import Fabric
    from torch import Generator

    from tcmgc.features import TextFeatures, VideoFeatures
    from tcmgc.model import LossResult

    from .encoded_model import EncodedModel
    from .parameter_groups import Part
    from .settings import TrainingSettings


class Updates:
    """Updates a model by batches.

    Parameters
    ----------
    fabric, model, settings
        As in `tcmgc.engine.train.train`.
    steps
        Of the whole training: what the schedule runs over.
    """

    def __init__(self, fabric: Fabric, model: EncodedModel, settings: TrainingSettings, steps: int) -> None:
        self._fabric, self._model, self._steps = fabric, model, steps
        self._schedule = settings.schedule
        self._largest_norm = settings.gradient_clip or math.inf
        groups = parameter_groups(model, settings)
        self._parameters = [parameter for group in groups for parameter in group["params"]]
        self._trains_encoder = any(name.startswith("encoder.") for name in trained_parameters(model))
        self._rates: list[float] = [group["lr"] for group in groups]
        self.optimizer = settings.optimizer(groups)

    def step(
        self,
        features: Callable[[], tuple[TextFeatures, VideoFeatures]],
        generator: Generator,
        *,
        epoch: int,
        step: int,
    ) -> tuple[float, dict[str, float]]:
        """Update once: rates, gradients clipped together, update, logit scale held to its largest.

        Parameters
        ----------
        features
            Makes the features of a batch whose text i describes video i.
        generator
            For losses that draw.
        epoch, step
            Both from 1, the step counted from the start of the training.

        Returns
        -------
        tuple of float and dict
            The loss, and its terms before their weights.
        """
        factor = self._schedule((step - 1) / self._steps)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        result = self._loss(features, generator)
        self.optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(result.total)
        norm = clip_grad_norm_(self._parameters, self._largest_norm)
        # One transfer from the device: it waits for all that was asked for.
        told = torch.stack([result.total.detach(), norm, *(term.detach() for term in result.terms.values())])
        loss, gradient_norm, *values = told.tolist()
        terms = dict(zip(result.terms, values, strict=True))
        refuse_non_finite(loss, terms, gradient_norm, epoch=epoch, step=step)
        self.optimizer.step()
        self._model.head.clamp_logit_scale()
        return loss, terms

    def _loss(
        self, features: Callable[[], tuple[TextFeatures, VideoFeatures]], generator: Generator
    ) -> LossResult:
        try:
            result = self._model.loss(*features(), generator)
        except TcmgcError:
            raise
        except Exception as error:
            said = str(error).partition("\n")[0]
            raise PluginError(
                "computing the loss of a batch",
                found=f"a component raises {type(error).__name__}: {said}",
                expected="components that keep their contracts, and memory for a batch",
                hint="TCMGC_TRACEBACK=1 shows where; a smaller training.score_memory, and then a smaller "
                "training.batch_size, takes less memory",
            ) from error
        if not result.total.requires_grad:
            raise ConfigError(
                "training",
                found="a loss that depends on no weight that is trained",
                expected="one that does",
                hint="trained: false evaluates a model as it starts",
            )
        return result

    @property
    def learning_rates(self) -> dict[Part, float | None]:
        """Of the last step; None for a part of the model that is not trained.

        The logit scale has the encoder's rate, but is none of it: with a frozen encoder it is left out.
        """
        found: dict[Part, float | None] = {"new": None, "encoder": None}
        for group in self.optimizer.param_groups:
            if group["part"] == "new" or self._trains_encoder:
                found[group["part"]] = group["lr"]
        return found

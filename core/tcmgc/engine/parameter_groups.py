"""Which parameters are trained, how fast, and which of them are decayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tcmgc.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from .encoded_model import EncodedModel
    from .settings import TrainingSettings

Part = Literal["new", "encoder"]


def trained_parameters(model: EncodedModel) -> dict[str, nn.Parameter]:
    """Name the parameters that training changes; those of a frozen encoder are none of them."""
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and not (model.encoder.frozen and name.startswith("encoder."))
    }


def parameter_groups(model: EncodedModel, settings: TrainingSettings) -> list[dict[str, Any]]:
    """Group the trained parameters by rate and decay.

    The logit scale goes with the encoder: it is CLIP's, and has CLIP's rate in the official codes.

    Returns
    -------
    list of dict
        Groups with ``params``, ``lr``, ``weight_decay`` and ``part``, ``new`` or ``encoder``.

    Raises
    ------
    ConfigError
        When nothing is trained.
    """
    rates = {"new": settings.learning_rate, "encoder": settings.encoder_learning_rate}
    optimizer = settings.optimizer
    groups: dict[tuple[Part, bool], list[nn.Parameter]] = {}
    for name, parameter in trained_parameters(model).items():
        part: Part = "encoder" if name.startswith("encoder.") or name == "head.logit_scale" else "new"
        groups.setdefault((part, optimizer.decays(name, parameter)), []).append(parameter)
    if not groups:
        raise ConfigError("training", found="no parameter to train", expected="some", hint="trained: false")
    return [
        {
            "params": parameters,
            "lr": rates[part],
            "weight_decay": optimizer.weight_decay if decayed else 0.0,
            "part": part,
        }
        for (part, decayed), parameters in groups.items()
    ]

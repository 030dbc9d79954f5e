"""How large a model is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcmgc.engine.parameter_groups import trained_parameters

if TYPE_CHECKING:
    from tcmgc.engine.encoded_model import EncodedModel


def parameter_counts(model: EncodedModel, *, trained: bool) -> dict[str, int]:
    """Count parameters: all, those behind the encoder, and those that training moves."""
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "new_parameters": sum(parameter.numel() for parameter in model.head.parameters()),
        "trained_parameters": sum(p.numel() for p in trained_parameters(model).values()) if trained else 0,
    }

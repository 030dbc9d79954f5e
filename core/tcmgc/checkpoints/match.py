"""Which official name is which weight of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from tcmgc.errors import DataError
from tcmgc.files.weights_file import fits, ours_by_official

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.recipes.load import Recipe
    from tcmgc.slots.encoder import OfficialWeights

ENCODER, HEAD = "encoder.", "head."
UNKNOWN = "not known to the recipe"
UNREAD = "saved, and never read by the official code"
NO_PLACE = "no weight of the recipe as it is set"
NO_WEIGHT = "no weight"
ITEMS = "where it is of words or frames, --set encoder.words=W and --set sampler.frames=F"


@dataclass(frozen=True)
class Match:
    """What belongs to what.

    Parameters
    ----------
    weights
        Tensors of the checkpoint by our name, as ``head.logit_scale``.
    sources
        The official names that each was made of.
    ignored
        Why an official name is not in the model, by name.
    missing
        Our names that the checkpoint has not.
    """

    weights: Mapping[str, Tensor]
    sources: Mapping[str, tuple[str, ...]]
    ignored: Mapping[str, str]
    missing: tuple[str, ...]

    def refuse_partial(self, where: str, recipe: str) -> None:
        """Refuse a checkpoint that lacks weights, or has some that the recipe does not know.

        Raises
        ------
        DataError
            With the names.
        """
        unknown = [name for name, reason in self.ignored.items() if reason == UNKNOWN]
        found = []
        if self.missing:
            found.append(f"{len(self.missing)} weights of the model are absent: {_some(self.missing)}")
        if unknown:
            found.append(f"{len(unknown)} names that recipe {recipe!r} does not know: {_some(unknown)}")
        if found:
            raise DataError(
                where,
                found="; ".join(found),
                expected=f"a checkpoint of recipe {recipe!r}, whole",
                hint="another --recipe; --partial imports what fits, and lists the rest in import.json",
            )


def match(
    tensors: Mapping[str, Tensor], found: OfficialWeights, model: EncodedModel, recipe: Recipe
) -> Match:
    """Match a checkpoint with a model.

    Parameters
    ----------
    tensors
        All of the checkpoint by official name.
    found
        What the encoder has found of itself.
    model
        Built from the recipe.
    recipe
        Translates the names of what comes after the encoder.
    """
    own = model.state_dict()
    official_names = recipe.official_names
    head = {name.removeprefix(HEAD): tensor for name, tensor in own.items() if name.startswith(HEAD)}
    of_head = ours_by_official(tensors, official_names, head)
    weights, sources = {}, {}
    for name, tensor in found.weights.items():
        if (ours := ENCODER + name) in own:
            weights[ours], sources[ours] = tensor, found.sources[name]
    for official, name in of_head.items():
        ours = HEAD + name
        if ours in sources:
            raise DataError(
                "checkpoint", found=f"{sources[ours][0]!r} and {official!r}, both for {ours}", expected="one"
            )
        if name != official and name in tensors:
            raise DataError(
                "checkpoint", found=f"{name!r} and {official!r}, both for {ours}", expected="one of them"
            )
        weights[ours], sources[ours] = tensors[official], (official,)
    used = {name for names in sources.values() for name in names}
    ignored = {name: _reason(name, found, official_names) for name in tensors if name not in used}
    return Match(weights, sources, ignored, tuple(name for name in own if name not in weights))


def _reason(name: str, found: OfficialWeights, official_names: Mapping[str, str | None]) -> str:
    """Say why an official name is of no use."""
    if name in found.ignored:
        return NO_WEIGHT
    lines = [pattern for pattern in official_names if fits(name, pattern)]
    if not lines:
        return UNKNOWN
    return UNREAD if any(official_names[line] is None for line in lines) else NO_PLACE


def refuse_by_name(tensors: Mapping[str, Tensor], refused: Mapping[str, str], where: str) -> None:
    """Refuse what a recipe says cannot be imported.

    Parameters
    ----------
    tensors
        By official name.
    refused
        The recipe's ``official_refused``: names, or their beginnings with a ``*``, and why.
    where
        What errors call the checkpoint.
    """
    for name in tensors:
        for pattern, reason in refused.items():
            if fits(name, pattern):
                raise DataError(where, found=f"{name}: {reason}", expected="a checkpoint without it")


@torch.no_grad()
def fill(model: EncodedModel, matched: Match, where: str) -> None:
    """Put a checkpoint's weights into a model, in the model's types.

    Raises
    ------
    DataError
        When a shape or type does not fit, or an entry is not finite.
    """
    own = model.state_dict()
    for ours, value in matched.weights.items():
        place = f"{where}: {matched.sources[ours][0]}"
        if value.shape != own[ours].shape:
            raise DataError(
                place,
                found=f"shape {list(value.shape)}",
                expected=f"{list(own[ours].shape)}, that of {ours}",
                hint=ITEMS if _is_square(value) and _is_square(own[ours]) else None,
            )
        if not value.is_floating_point():
            raise DataError(place, found=f"type {value.dtype}", expected="a floating-point type")
        if not torch.isfinite(value.to(own[ours].dtype)).all():
            raise DataError(place, found="an entry that is not finite", expected="finite numbers")
        own[ours].copy_(value)


def _is_square(matrix: Tensor) -> bool:
    return matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]


def _some(names: list[str] | tuple[str, ...], most: int = 4) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

"""Weights, under our names or those of the official checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from tcmgc.errors import DataError

from .tensors import open_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from tcmgc.model import RetrievalModel

Names = Literal["auto", "ours", "official"]
WHOSE = {"ours": "our", "official": "official"}


@dataclass(frozen=True)
class LoadedWeights:
    """What loading did.

    Parameters
    ----------
    names
        Whose names the file bears: ``ours`` or ``official``.
    loaded
        Ours, by the file's.
    ignored
        Names in the file that the model has no place for.
    missing
        The model's weights that the file has not, which keep their initial values.
    """

    names: Literal["ours", "official"]
    loaded: Mapping[str, str]
    ignored: tuple[str, ...]
    missing: tuple[str, ...]


def load_weights(
    model: RetrievalModel, path: str | Path, *, names: Names = "auto", partial: bool = False
) -> LoadedWeights:
    """Load a safetensors file of weights into a model.

    Parameters
    ----------
    model
        Its parameters and buffers are changed in place; the weights are converted to its types.
    path
        The file.
    names
        Whose names it bears; ``auto`` takes whichever matches more of the model.
    partial
        Allow weights of the model to be absent from the file. The logit scale always may be.

    Raises
    ------
    DataError
        When the file cannot be read, a weight is absent, or a shape or type does not fit.
    """
    path = Path(path)
    where = f"weights {path}"
    own: dict[str, Tensor] = model.state_dict(keep_vars=True)
    with open_tensors(path, "weights") as file:
        available = list(file.keys())
        official = ours_by_official(available, model.recipe.official_names, own)
        ours = {name: name for name in available if name in own}
        found: Literal["ours", "official"] = "ours" if len(ours) >= len(official) else "official"
        chosen = found if names == "auto" else names
        mapping = ours if chosen == "ours" else official
        _refuse_double(mapping, where)
        if names == "auto":
            _refuse_both(ours, official, where)
        missing = tuple(name for name in own if name not in mapping.values())
        lacking = [name for name in missing if name != "logit_scale"]
        if partial and not mapping:
            raise DataError(
                where,
                found=f"none of the model's weights under {WHOSE[chosen]} names",
                expected="some",
                hint=f"the file has {_some(available)}",
            )
        if lacking and not partial:
            raise DataError(
                where,
                found=f"{len(lacking)} of the model's {len(own)} weights are absent under "
                f"{WHOSE[chosen]} names: {_some(lacking)}",
                expected="all of them",
                hint=f"the file has {_some(available)}; --partial leaves absent ones at their start",
            )
        for theirs, name in mapping.items():
            _copy(own[name], file.get_tensor(theirs), f"{where}: {theirs}", name)
    ignored = tuple(name for name in available if name not in mapping)
    return LoadedWeights(chosen, mapping, ignored, missing)


def ours_by_official(
    available: Iterable[str], patterns: Mapping[str, str | None], own: Mapping[str, object]
) -> dict[str, str]:
    """Map official names to the model's, by a recipe's ``official_names``; others are left out."""
    mapping: dict[str, str] = {}
    for name in available:
        for pattern, ours in patterns.items():
            if (target := _translate(name, pattern, ours)) in own:
                mapping[name] = str(target)
                break
    return mapping


def official_by_ours(own: Iterable[str], patterns: Mapping[str, str | None]) -> dict[str, str]:
    """Map the model's names to official ones, by the first line of ``official_names`` that has them."""
    mapping: dict[str, str] = {}
    for name in own:
        for official, pattern in patterns.items():
            if pattern is not None and (target := _translate(name, pattern, official)) is not None:
                mapping[name] = target
                break
    return mapping


def fits(name: str, pattern: str) -> bool:
    """Whether an official name is one that a line of a recipe means."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _refuse_double(mapping: Mapping[str, str], where: str) -> None:
    first: dict[str, str] = {}
    for theirs, ours in mapping.items():
        if (other := first.setdefault(ours, theirs)) != theirs:
            raise DataError(where, found=f"{other!r} and {theirs!r}, both for {ours}", expected="one of them")


def _refuse_both(ours: Mapping[str, str], official: Mapping[str, str], where: str) -> None:
    """Refuse a weight that is there under our name and under an official one."""
    theirs = {name: other for other, name in official.items()}
    for name in ours:
        if (other := theirs.get(name, name)) != name:
            raise DataError(
                where,
                found=f"{name!r} and {other!r}, both for {name}",
                expected="one of them",
                hint="--names ours or --names official takes one",
            )


def _translate(name: str, pattern: str, target: str | None) -> str | None:
    """Translate one name by one line of a recipe's ``official_names``; None where it does not apply."""
    if target is None or not fits(name, pattern):
        return None
    return target.removesuffix("*") + name[len(pattern) - 1 :] if pattern.endswith("*") else target


@torch.no_grad()
def _copy(parameter: Tensor, value: Tensor, where: str, name: str) -> None:
    if value.shape != parameter.shape:
        raise DataError(
            where,
            found=f"shape {list(value.shape)}",
            expected=f"{list(parameter.shape)}, the shape of {name} at the features' sizes",
        )
    if parameter.is_floating_point() and not value.is_floating_point():
        raise DataError(where, found=f"type {value.dtype}", expected="a floating-point type")
    if not torch.isfinite(value.to(parameter.dtype)).all():
        raise DataError(where, found="an entry that is not finite", expected="finite numbers")
    parameter.copy_(value)


def _some(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more

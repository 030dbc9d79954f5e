"""``tcmgc export``: a model's folder becomes a checkpoint as the official code saves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from tcmgc.engine.encoded_model import build_with_encoder
from tcmgc.errors import ConfigError, DataError
from tcmgc.files.checkpoint_file import refuse_form, write_checkpoint
from tcmgc.files.weights_file import official_by_ours, ours_by_official
from tcmgc.recipes.load import load_recipe
from tcmgc.runs.model_file import read_model
from tcmgc.runs.model_folder import read_model_folder
from tcmgc.slots.encoder import OfficialEncoder

from .match import HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from tcmgc.engine.encoded_model import EncodedModel
    from tcmgc.recipes.load import Recipe
    from tcmgc.registry import Registry
    from tcmgc.runs.model_folder import ModelFolder

Types = Literal["imported", "float32"]


def export_checkpoint(
    registry: Registry, folder: Path, out: Path, *, names: str | None = None, types: Types = "imported"
) -> dict[str, Tensor]:
    """Export a model; see `tcmgc.export_checkpoint`.

    Parameters
    ----------
    registry
        Where components are found.
    folder
        Of a run or of an imported checkpoint.
    out
        See `tcmgc.files.checkpoint_file.write_checkpoint`; not there yet.
    names
        Whose names the encoder's weights get; None for those that they were imported under, ``clip`` for a
        run's.
    types
        ``imported`` gives every weight the type that it was imported in, float32 for a run's.
    """
    refuse_form(out)
    if out.exists():
        raise DataError(
            f"output {out}",
            found="a directory" if out.is_dir() else "a file that is there",
            expected="a file that is not there yet",
        )
    given = read_model_folder(folder)
    recipe = load_recipe(registry, given.config)
    model = build_with_encoder(recipe, registry)
    read_model(given.weights, model)
    chosen = names or ("clip" if given.imported is None else given.imported.names)
    found = _official(model, recipe, chosen, folder)
    if types == "imported":
        found = _as_imported(found, given)
    write_checkpoint(out, found)
    return found


def _official(model: EncodedModel, recipe: Recipe, names: str, folder: Path) -> dict[str, Tensor]:
    """Name a model's weights as the official code does; the encoder's own logit scale is the head's then."""
    if not isinstance(model.encoder, OfficialEncoder):
        raise ConfigError(
            f"encoder {recipe.config['encoder']['name']!r}",
            found="one that official checkpoints do not hold",
            expected="one with write_official",
        )
    own = {name.removeprefix(HEAD): t for name, t in model.state_dict().items() if name.startswith(HEAD)}
    patterns: Mapping[str, str | None] = recipe.official_names
    official = official_by_ours(own, patterns)
    back = ours_by_official(official.values(), patterns, own)
    nameless = [name for name in own if back.get(official.get(name, "")) != name]
    if nameless:
        raise DataError(
            f"model {folder}",
            found=f"{len(nameless)} weights without an official name: {', '.join(nameless[:4])}",
            expected=f"those that the official code of recipe {recipe.name!r} has",
            hint="official_names of the recipe names them",
        )
    return model.encoder.write_official(names) | {official[name]: tensor for name, tensor in own.items()}


def _as_imported(found: Mapping[str, Tensor], given: ModelFolder) -> dict[str, Tensor]:
    """Give weights the types that they were imported in, where that loses nothing."""
    if given.imported is None:
        return dict(found)
    types = {name: one.dtype for one in given.imported.mapped for name in one.official}
    cast: dict[str, Tensor] = {}
    for name, tensor in found.items():
        narrow = tensor.to(getattr(torch, types.get(name, "float32")))
        cast[name] = narrow if torch.equal(narrow.to(tensor.dtype), tensor) else tensor
    return cast

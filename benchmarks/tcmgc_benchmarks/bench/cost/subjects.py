"""What is measured: recipes as they start, and finished runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tcmgc
from tcmgc.api import read_recipe
from tcmgc.app import current_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tcmgc import RetrievalModel, Sizes


@dataclass(frozen=True)
class Subject:
    """A model that is measured.

    Parameters
    ----------
    label
        What it is called.
    build
        Makes everything behind the encoders.
    """

    label: str
    build: Callable[[], RetrievalModel]


def find_subjects(
    names: Sequence[str], sizes: Sizes, device: str, *, variants: bool = False, overrides: Sequence[str] = ()
) -> list[Subject]:
    """Read and check everything that is to be measured, before any of it is.

    Parameters
    ----------
    names
        Registered recipes, paths to recipe files, and folders of a run or an imported checkpoint; all
        registered recipes when empty.
    sizes
        What recipes are built for. A run has its own.
    device
        Where they go.
    variants
        Whether a recipe's variants are measured besides.
    overrides
        ``dotted.path=value``, of recipes and of runs.

    Raises
    ------
    TcmgcError
        For the first mistake.
    """
    found = []
    for name in names or sorted(current_registry().recipe_files):
        if Path(name).is_dir():
            found.append(_run(Path(name), device, overrides))
        else:
            found += _recipes(name, sizes, device, variants, overrides)
    return found


def _recipes(
    name: str, sizes: Sizes, device: str, variants: bool, overrides: Sequence[str]
) -> Iterator[Subject]:
    own = read_recipe(name, overrides=overrides)
    # A variant without overrides is the recipe itself under another name.
    others = [variant for variant, lines in own.config["variants"].items() if lines] if variants else []
    for variant in (None, *others):
        recipe = own if variant is None else read_recipe(name, variant=variant, overrides=overrides)
        label = " ".join(part for part in (recipe.name, variant) if part)

        def build(variant: str | None = variant) -> RetrievalModel:
            return tcmgc.build(name, sizes, variant=variant, overrides=overrides).to(device)

        yield Subject(label, build)


def _run(folder: Path, device: str, overrides: Sequence[str]) -> Subject:
    trained = tcmgc.load(folder, device=device, overrides=overrides)
    record = trained.record
    label = trained.recipe.name if record is None else f"{record.label}, seed {record.seed}"
    return Subject(label, lambda: trained.model.head)

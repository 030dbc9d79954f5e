"""``import.json``: where imported weights come from, name by name.

It lies in a model's folder in place of a run's ``record.json``. The models are the schema.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from .record import CONTENT, Sha256


class Mapped(BaseModel):
    """One weight: its official names, ours, and the type and shape that the official ones have."""

    model_config = CONTENT
    official: tuple[str, ...]
    ours: str
    dtype: str
    shape: tuple[int, ...]


class Ignored(BaseModel):
    """An official name that is not in the model, and why."""

    model_config = CONTENT
    official: str
    reason: str


class ImportRecord(BaseModel):
    """An imported checkpoint.

    ``names`` says whose names the encoder's weights have, as ``clip`` or ``hf``; ``missing`` are our names
    that kept their initial values, which only ``--partial`` allows. ``read`` has what was read off the names
    and is another number in the recipe, by dotted path: layers of the temporal transformer.
    """

    model_config = CONTENT
    schema_version: Literal[1] = 1
    tcmgc: str
    source: str
    source_sha256: Sha256
    recipe: str
    variant: str | None
    protocol: str | None
    overrides: tuple[str, ...]
    read: dict[str, int] = {}
    names: str
    mapped: tuple[Mapped, ...]
    ignored: tuple[Ignored, ...]
    missing: tuple[str, ...]

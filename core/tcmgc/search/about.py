"""``index.json``: what an index was made with, and which arrays it has. The models are the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ValidationError

from tcmgc.errors import DataError
from tcmgc.runs.json_file import read_json
from tcmgc.runs.record import CONTENT, Sha256

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = "index.json"
SCHEMA_VERSION = 2


class ArrayAbout(BaseModel):
    """A file with one row a video.

    ``name`` is that of the state of `tcmgc.slots.scorer.Scorer.prepare_video`, or ``coarse`` or ``times``;
    ``shape`` is that of a row.
    """

    model_config = CONTENT
    name: str
    file: str
    dtype: str
    shape: tuple[int, ...]


class ModelAbout(BaseModel):
    """The model.

    ``folder`` is where it was. Another folder with the same ``weights_sha256`` (of the file of weights) and
    ``recipe_sha256`` (of what the recipe, with ``overrides``, says of encoding and scoring) is the same one.
    ``sources`` has the hash of the engine's and of every component's source, as in a run's record;
    ``encoder`` is its version.
    """

    model_config = CONTENT
    folder: str
    recipe: str
    variant: str | None
    overrides: tuple[str, ...]
    recipe_sha256: Sha256
    weights_sha256: Sha256
    encoder: str
    sources: dict[str, Sha256]


class SourceAbout(BaseModel):
    """Where videos came from: a folder, or a split of a data set, with its version and the split's hash."""

    model_config = CONTENT
    kind: Literal["videos", "dataset"]
    name: str
    settings: tuple[str, ...] = ()
    version: str | None = None
    split: str | None = None
    split_sha256: Sha256 | None = None


class IndexAbout(BaseModel):
    """All of ``index.json``; ``dtype`` is that of all numbers that are kept but times."""

    model_config = CONTENT
    schema_version: Literal[2] = 2
    tcmgc: str
    created: str
    model: ModelAbout
    dtype: Literal["float32", "float16"]
    arrays: tuple[ArrayAbout, ...]
    sources: tuple[SourceAbout, ...]


def read_about(folder: Path) -> IndexAbout:
    """Read what an index was made with.

    Raises
    ------
    DataError
        When the folder is no index, or one of another version.
    """
    where = f"index {folder}"
    if not folder.is_dir():
        found = "a file" if folder.exists() else "no such folder"
        raise DataError(where, found=found, expected="a folder that tcmgc index wrote")
    if not (folder / ABOUT).exists():
        raise DataError(where, found=f"a folder without {ABOUT}", expected="one that tcmgc index wrote")
    content = read_json(folder / ABOUT, "index")
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise DataError(
            f"index {folder / ABOUT}: schema_version",
            found=repr(version),
            expected=f"{SCHEMA_VERSION}, which this version of tcmgc writes",
            hint="index the videos again into another folder",
        )
    try:
        return IndexAbout.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(
            f"index {folder / ABOUT}: {'.'.join(map(str, first['loc']))}",
            found=first["msg"],
            expected="what tcmgc index wrote",
            hint="index the videos again into another folder",
        ) from None

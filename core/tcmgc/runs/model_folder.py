"""A folder that holds a model: of a finished run, or of an imported checkpoint.

::

    config.yaml         the recipe as it was resolved, encoder and sampler included
    model.safetensors   the weights, under ``encoder.*`` and ``head.*``
    record.json         of a run, which has more files besides
    import.json         of an imported checkpoint
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tcmgc.errors import DataError

from .import_record import ImportRecord
from .json_file import read_json
from .run_folder import CONFIG, RECORD, WEIGHTS, read_run

if TYPE_CHECKING:
    from pathlib import Path

    from .record import RunRecord

IMPORT = "import.json"


@dataclass(frozen=True)
class ModelFolder:
    """A model's folder.

    Parameters
    ----------
    folder
        Its path.
    record
        Of a run; None for an imported checkpoint.
    imported
        Of an imported checkpoint; None for a run.
    """

    folder: Path
    record: RunRecord | None
    imported: ImportRecord | None

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        known = self.record or self.imported
        assert known is not None
        return known.recipe

    @property
    def variant(self) -> str | None:
        """The recipe's variant."""
        known = self.record or self.imported
        return None if known is None else known.variant

    @property
    def seed(self) -> int:
        """Of the initial weights, all of which are replaced."""
        return 0 if self.record is None else self.record.seed

    @property
    def config(self) -> Path:
        """The recipe."""
        return self.folder / CONFIG

    @property
    def weights(self) -> Path:
        """The weights."""
        return self.folder / WEIGHTS


def read_model_folder(folder: Path) -> ModelFolder:
    """Read what a folder's model is; its weights are read by `tcmgc.runs.model_file.read_model`.

    Raises
    ------
    DataError
        When it is no folder of a model, or its record is damaged.
    """
    path = folder / IMPORT
    if folder.is_file():
        raise DataError(
            f"model {folder}",
            found="a file",
            expected="a folder: of a run, or of an imported checkpoint",
            hint=f"tcmgc import {folder} --recipe NAME --out DIR makes one of an official checkpoint",
        )
    if folder.is_dir() and not any((folder / name).exists() for name in (RECORD, IMPORT, "runs")):
        raise DataError(
            f"model {folder}",
            found=f"a folder with neither {RECORD} nor {IMPORT}",
            expected=f"a run's, which has {RECORD}, or what tcmgc import wrote, which has {IMPORT}",
        )
    if (folder / RECORD).exists() or not path.exists():
        return ModelFolder(folder, read_run(folder).record, None)
    try:
        return ModelFolder(folder, None, ImportRecord.model_validate(read_json(path, "import record")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise DataError(
            f"import record {path}: {'.'.join(map(str, first['loc']))}",
            found=first["msg"],
            expected="a record that this version of tcmgc wrote",
            hint="import the checkpoint again",
        ) from None

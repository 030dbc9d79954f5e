"""The file that says that a folder is a miniature made by ``tcmgc data mock``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tcmgc.errors import DataError
from tcmgc.files.disk import write_text

from .text_file import expect, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "tcmgc-mock.json"


def write_mock_note(folder: Path, dataset: str, rows: Mapping[str, int]) -> None:
    """Write it: how many rows each annotation file has, in place of the published numbers."""
    content = {"schema_version": 1, "dataset": dataset, "rows": dict(rows)}
    write_text(folder / NAME, json.dumps(content, indent=1) + "\n")


def read_mock_note(folder: Path, dataset: str) -> dict[str, int] | None:
    """Read it; None where there is none.

    Raises
    ------
    DataError
        When it is damaged, or the miniature is of another data set.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    said: dict[str, Any] = expect(path, read_json(path), dict, "the file")
    if said.get("schema_version") != 1 or said.get("dataset") != dataset:
        raise DataError(
            f"{dataset}: {path}",
            found=f"a miniature of {said.get('dataset')!r}, schema_version {said.get('schema_version')!r}",
            expected=f"one of {dataset!r}, schema_version 1",
        )
    return {name: int(count) for name, count in expect(path, said.get("rows"), dict, "rows").items()}

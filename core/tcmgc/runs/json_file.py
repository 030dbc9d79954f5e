"""JSON files that are there whole or not at all."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def write_json(path: Path, content: Any) -> None:
    """Write a file and rename it into place; what was there stays until then."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file.

    Raises
    ------
    DataError
        When it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{what} {path}", found=error.strerror or str(error), expected="a JSON file"
        ) from None
    except ValueError as error:
        raise DataError(f"{what} {path}", found=f"damaged JSON: {error}", expected="a JSON file") from None

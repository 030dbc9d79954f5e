"""Reading a JSON file of a run: complete, of a known version, with everything that is needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tcmgc.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1
LONGEST_FOUND = 60


class FileContent(BaseModel):
    """What a file holds; keys that a report does not need may be there too."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Content = TypeVar("Content", bound=FileContent)


def read_json(path: Path, content: type[Content], what: str, hint: str | None = None) -> Content:
    """Read and check a JSON file.

    Parameters
    ----------
    path
        The file.
    content
        What has to be in it.
    what
        What errors call it, as ``run record``.
    hint
        What to try when it is broken.

    Returns
    -------
    FileContent
        The content.

    Raises
    ------
    DataError
        If it is missing, damaged, of another ``schema_version``, or an entry is missing or wrong.
    """
    where = f"{what} {path}"
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(where, found=reason, expected="a JSON file", hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise DataError(
            where, found=f"damaged JSON: {error}", expected="a complete JSON file", hint=hint
        ) from None
    if not isinstance(found, dict):
        raise DataError(where, found=_short(found), expected="a JSON object", hint=hint)
    if (version := found.get("schema_version")) != SCHEMA_VERSION:
        raise DataError(
            where,
            found=f"schema_version {_short(version)}",
            expected=f"schema_version {SCHEMA_VERSION}",
            hint="another version of tcmgc wrote it: use that one, or run again",
        )
    try:
        return content.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        missing = first["type"] == "missing"
        raise DataError(
            f"{where}: {place}" if place else where,
            found="nothing" if missing else _short(first["input"]),
            expected="an entry" if missing else first["msg"].removeprefix("Value error, "),
            hint=hint,
        ) from None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_FOUND else f"{text[:LONGEST_FOUND]}…"

"""In which fields protocols differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DIGESTS = ("split_sha256", "dataset_version")
"""Fields that follow from others, most of the time: they are shown where nothing else differs."""
LONGEST = 40


def differing(fields: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return the fields that are not the same in all protocols, each with its value in every one.

    Parameters
    ----------
    fields
        Of each protocol; a mapping in them counts field by field, as ``training.epochs``.
    """
    flat = [dict(_flat(own)) for own in fields]
    names = dict.fromkeys(name for own in flat for name in own)
    values = {name: tuple(own.get(name) for own in flat) for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found)}


def shortly(values: Mapping[str, Any]) -> dict[str, str]:
    """Write the values of fields that differ, to stand beside a row.

    Parameters
    ----------
    values
        Of one protocol. Digests are left out where something else differs, too.
    """
    telling = {name: value for name, value in values.items() if name not in DIGESTS} or values
    return {name: _short(value) for name, value in telling.items()}


def _flat(fields: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

"""Tables that mix protocols, for who asks for them: every row says in which fields it differs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .differ import differing, shortly
from .leaderboard import Section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .comparison import Comparison
    from .leaderboard import Row


def mix(sections: Sequence[Section]) -> list[Section]:
    """Put the sections of a data set's split into one; others stay as they are.

    Rows of different protocols are not compared: no row is the best, and comparisons stay within the
    protocol of their two rows.

    Parameters
    ----------
    sections
        One for each fingerprint.
    """
    by_place: dict[tuple[str, str], list[Section]] = {}
    for section in sections:
        by_place.setdefault((section.dataset, section.split), []).append(section)
    return [found[0] if len(found) == 1 else _mixed(found) for found in by_place.values()]


def _mixed(sections: Sequence[Section]) -> Section:
    differs = differing([section.fields for section in sections])
    first = sections[0]
    shared = {
        direction: {
            tag: count
            for tag, count in tags.items()
            if all(section.tag_queries[direction].get(tag) == count for section in sections)
        }
        for direction, tags in first.tag_queries.items()
    }
    rows: list[Row] = []
    comparisons: list[Comparison] = []
    for place, section in enumerate(sections):
        values = shortly({name: found[place] for name, found in differs.items()})
        told = ", ".join(f"{name} {value}" for name, value in values.items())
        labels = {row.label: f"{row.label} [{told}]" for row in section.rows}
        rows += [_row(row, labels[row.label], values, shared) for row in section.rows]
        comparisons += [
            replace(one, row=labels[one.row], against=labels[one.against]) for one in section.comparisons
        ]
    return Section(
        protocols={name: fields for section in sections for name, fields in section.protocols.items()},
        fields=_common([section.fields for section in sections]),
        dataset=first.dataset,
        split=first.split,
        queries={name: max(section.queries[name] for section in sections) for name in first.queries},
        videos=max(section.videos for section in sections),
        tag_queries=shared,
        rows=tuple(sorted(rows, key=lambda row: (-row.results["t2v"].metrics["r1"].mean, row.label))),
        comparisons=tuple(comparisons),
    )


def _row(row: Row, label: str, differs: Mapping[str, str], tags: Mapping[Any, Mapping[str, int]]) -> Row:
    results = {
        direction: replace(
            result,
            best=frozenset(),
            tags={tag: found for tag, found in result.tags.items() if tag in tags[direction]},
        )
        for direction, result in row.results.items()
    }
    return replace(row, label=label, results=results, differs=differs)


def _common(fields: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = fields[0]
    return {
        name: value
        for name, value in first.items()
        if all(name in own and own[name] == value for own in fields)
    }

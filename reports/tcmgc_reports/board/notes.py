"""What a reader has to know of the numbers on a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .leaderboard import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc_reports.runs.suite_file import Suite

    from .leaderboard import NotShown, Row, Section

TIE_NOTE = 0.1
"""Points of R@1 between optimistic and expected value above which ties are worth a note."""


def make_notes(sections: Sequence[Section], suite: Suite, stale: Sequence[NotShown]) -> tuple[str, ...]:
    """Note single seeds, ties, missing videos, readings of the test split and rows that are missing.

    Parameters
    ----------
    sections
        Of the board.
    suite
        What was asked for.
    stale
        Runs that are listed as such already.
    """
    notes = [note for section in sections for note in _section_notes(section)]
    shown = {row.label for section in sections for row in section.rows}
    listed = shown | {run.label for run in stale}
    notes += [f"{label}: in the suite, without a finished run" for label in suite.rows if label not in listed]
    for asked in suite.comparisons:
        if {asked.row, asked.against} <= shown and not any(
            {asked.row, asked.against} <= {row.label for row in section.rows} for section in sections
        ):
            notes.append(f"{asked.title}: {asked.row} and {asked.against} were run under other protocols")
    return tuple(dict.fromkeys(notes))


def _section_notes(section: Section) -> list[str]:
    told = dict.fromkeys(note for row in section.rows for run in row.runs for note in run.record.notes)
    notes = [f"{section.place}: {note}" for note in told]
    if section.lacking is not None:
        found, expected = section.lacking
        how = "were found; the others are left out" if section.clips is None else "are left, by --restrict-to"
        notes.append(f"{section.place}: {found} of {expected} videos {how}")
        if not all(row.bounds["t2v"] for row in section.rows):
            notes.append(
                f"{section.place}: how many captions the missing videos have is not known: no bounds"
            )
    if len({_read_besides(row) for row in section.rows if row.trained}) > 1:
        notes.append(
            f"{section.place}: not every row was trained and selected on the same clips and captions"
        )
    single = [row.label for row in section.rows if row.trained and len(row.runs) == 1]
    if single:
        notes.append(f"one seed only, so that no spread over seeds is known: {', '.join(single)}")
    seeds = {row.seeds for row in section.rows if row.trained}
    if len(seeds) > 1:
        notes.append(f"{section.place}: not every trained row has the same seeds")
    if len(section.places) > 1:
        measured = "; ".join(
            f"{place}: {', '.join(row.label for row in section.rows if row.measured_on == place)}"
            for place in section.places
        )
        notes.append(f"{section.place}: times and memory are not comparable, as measured on {measured}")
    for row in section.rows:
        notes += _row_notes(row)
    return notes


def _row_notes(row: Row) -> list[str]:
    notes = []
    for run in row.runs:
        metrics = run.record.metrics
        for direction, name in DIRECTIONS.items():
            gap = metrics[direction].optimistic["r1"] - metrics[direction].expected["r1"]
            if gap > TIE_NOTE:
                notes.append(
                    f"{row.label}, seed {run.record.seed}: R@1 {name} would be {gap:.1f} higher with every "
                    "tie won; the scores may be degenerate"
                )
        if (times := len(run.record.test_access)) > 1:
            notes.append(f"{row.label}, seed {run.record.seed}: the test split was read {times} times")
    return notes


def _read_besides(row: Row) -> tuple[tuple[str, str], ...]:
    """Name the content of the splits that a row's runs were trained and selected on."""
    return tuple(sorted({item for run in row.runs for item in run.record.identity_parts.splits.items()}))

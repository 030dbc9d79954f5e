"""The table of docs/equality.md names every golden file, and its numbers are within the tolerances."""

from __future__ import annotations

from pathlib import Path

import pytest

from golden_cases import ELSEWHERE, FOLDER, REPRODUCED

ROOT = Path(__file__).parents[2]
LIMITS = (1e-9, 1e-5, 2e-4, 1e-5, 1e-5, 1e-4)
"""Of the columns behind method and file; a file of a float32 pass alone has losses of float32."""


@pytest.fixture(scope="module")
def rows() -> list[list[str]]:
    page = (ROOT / "docs" / "equality.md").read_text(encoding="utf-8")
    table = [line for line in page.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table]


def test_every_file_has_a_row(rows: list[list[str]]) -> None:
    files = {path.stem for path in FOLDER.iterdir() if path.suffix != ".md"}
    assert {row[1].strip("`") for row in rows} == files


def test_every_case_has_a_row(rows: list[list[str]]) -> None:
    listed = {(row[0], row[1].strip("`")) for row in rows}
    for case in REPRODUCED:
        assert (f"`{case.recipe}` {case.variant or ''}".strip(), case.file) in listed


def test_the_numbers_are_within_the_tolerances(rows: list[list[str]]) -> None:
    measured = [row for row in rows if row[1].strip("`") not in ELSEWHERE]
    for row in measured:
        cells = row[2:]
        assert any(cells), row
        for cell, limit in zip(cells, LIMITS, strict=True):
            assert not cell or float(cell) < limit, row


def test_other_files_name_their_test(rows: list[list[str]]) -> None:
    named = {row[1].strip("`"): row[2].strip("`") for row in rows}
    for file, test in ELSEWHERE.items():
        assert named[file] == test
        assert (ROOT / test).is_file()

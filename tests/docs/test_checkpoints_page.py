"""The generated table of docs/checkpoints.md, as far as it can be checked without shared/e2e."""

from __future__ import annotations

from pathlib import Path

from e2e_cases import CASES, name_of
from e2e_table import BEGIN, END, insert_table

PAGE = Path(__file__).parents[2] / "docs" / "checkpoints.md"


def test_the_table_has_every_checkpoint_and_none_is_too_far() -> None:
    page = PAGE.read_text(encoding="utf-8")
    table = page.partition(BEGIN)[2].partition(END)[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    assert [row.split("|")[1].strip() for row in rows] == [f"`{name_of(case)}`" for case in CASES]
    assert "**" not in table
    assert insert_table(page, table.strip()) == page

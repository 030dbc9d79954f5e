"""The generated table of docs/metrics.md."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def generator() -> ModuleType:
    """The script, which is in no package."""
    spec = spec_from_file_location("generate_metrics_table", DOCS / "generate_metrics_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_generator_writes(generator: ModuleType) -> None:
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    assert page == generator.insert_table(page), "run python docs/generate_metrics_table.py"


def test_the_table_shows_the_defects(generator: ModuleType) -> None:
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]] for row in generator.generate_table().splitlines()
    ]
    first = {(row[2], row[0]): row for row in rows}
    assert first["tcmgc, expected", "NaN, 50 × 50"][3] == "error"
    assert ["", "", "`compute_metrics`", "**269**", "**5.20**"] in [row[:5] for row in rows]
    medians = [row[7] for row in rows if row[2] == "`tensor_text_to_video_metrics`"]
    assert medians[0] == "**5.00**"

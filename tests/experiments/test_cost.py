"""What scoring costs, in the record of a run, and of the model that a run left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import tcmgc
from tcmgc import app
from tcmgc.cli.main import cli
from tcmgc.cost.scoring_cost import scoring_cost
from tcmgc.experiments import measured_cost as module
from tcmgc.experiments.measured_cost import CostWarning
from tcmgc.runs.record import Cost, RunRecord
from tcmgc.source_hash import ENGINE, imported_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcmgc.runs.run_folder import FinishedRun

PLUGINS = [Path(__file__).parent / name for name in ("tiny_data.py", "tiny_encoder.py")]
FIELDS = (
    "flops_per_text",
    "flops_per_video",
    "flops_per_pair",
    "index_bytes_per_video",
    "scoring_memory_bytes",
)


@pytest.fixture
def current(plugins: Any) -> Iterator[None]:
    """The process's plugins are the tiny ones."""
    app.current_plugins.cache_clear()
    for file in PLUGINS:
        app.current_plugins().load_file(file)
    yield
    app.current_plugins.cache_clear()


def run(folder: Path) -> FinishedRun:
    outcome = tcmgc.run("xpool", folder / "out", protocol=folder / "tiny.yaml", device="cpu", seeds=(1,))
    return outcome.finished[0]


def test_a_record_has_what_its_model_costs(current: None, folder: Path) -> None:
    finished = run(folder)
    head = tcmgc.load(finished.folder, device="cpu").model.head
    videos = finished.record.metrics["t2v"].items
    expected = vars(scoring_cost(head, videos))
    assert tuple(expected) == FIELDS
    assert {name: getattr(finished.record.cost, name) for name in FIELDS} == expected
    assert expected["scoring_memory_bytes"] > videos * expected["index_bytes_per_video"] > 0
    found = tcmgc.evaluate(finished.folder, device="cpu")["cost"]
    assert {name: found[name] for name in FIELDS} == expected


def test_the_run_itself_can_be_measured(current: None, folder: Path) -> None:
    finished = run(folder)
    out = folder / "cost.json"
    words = ["bench", "cost", str(finished.folder), "--videos", "50", "--json", str(out)]
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    (cost,) = json.loads(out.read_text())["costs"]
    sizes = tcmgc.load(finished.folder, device="cpu").model.head.sizes
    assert cost["label"] == "xpool, seed 1"
    assert cost["sizes"] == vars(sizes), "the run's, not those of the options"
    assert cost["flops"]["pair"] == finished.record.cost.flops_per_pair
    assert cost["index_bytes_per_video"] == finished.record.cost.index_bytes_per_video


def test_a_run_is_not_lost_where_its_cost_cannot_be_measured(
    current: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such operation\nat all")

    monkeypatch.setattr(module, "scoring_cost", fail)
    with pytest.warns(CostWarning, match=r"could not be measured: RuntimeError: no such operation$"):
        finished = run(folder)
    assert all(getattr(finished.record.cost, name) is None for name in FIELDS)


def test_records_of_before_are_read() -> None:
    needed = {name for name, field in Cost.model_fields.items() if field.is_required()}
    assert needed.isdisjoint(FIELDS)
    assert set(FIELDS) <= Cost.model_fields.keys()
    assert RunRecord.model_fields["schema_version"].default == 1


def test_no_identity_depends_on_how_costs_are_measured() -> None:
    engine = imported_modules(ENGINE)
    assert "tcmgc.tiles" in engine
    assert not [name for name in engine if name.startswith("tcmgc.cost") or name.endswith("measured_cost")]

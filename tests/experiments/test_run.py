"""Runs: made, reused, made again when they are stale, and what happens when one fails."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import torch
from safetensors.torch import load_file

from tcmgc import ConfigError, DataError, PluginError
from tcmgc.experiments.listener import Listener, RunName, RunProgress
from tcmgc.experiments.plan import plan_recipe, plan_suite
from tcmgc.experiments.run import Outcome, run_plan
from tcmgc.plugins import Plugins
from tcmgc.ranking import Ranking
from tcmgc.recipes.load import load_recipe
from tcmgc.runs.record import RunRecord
from tcmgc.runs.run_folder import FILES, RunsFolder, read_run
from tcmgc.runs.suite_record import SuiteRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tcmgc.runs.run_folder import FinishedRun


class Heard(Listener):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.started_runs: list[str] = []
        self.reused_runs: list[str] = []
        self.stale: dict[str, list[str]] = {}
        self.shares: dict[str, list[float]] = {}
        self.failures: list[str] = []

    def reused(self, name: RunName, run: FinishedRun) -> None:
        self.reused_runs.append(f"{name.label} {name.seed}")

    def started(self, name: RunName, stale: Sequence[str]) -> None:
        self.started_runs.append(f"{name.label} {name.seed}")
        if stale:
            self.stale[f"{name.label} {name.seed}"] = list(stale)

    def advanced(self, name: RunName, progress: RunProgress) -> None:
        self.shares.setdefault(f"{name.label} {name.seed}", []).append(progress.share)

    def failed(self, name: RunName, error: Exception) -> None:
        self.failures.append(f"{name.label} {name.seed}: {error}")


def run(plugins: Plugins, folder: Path, *overrides: str, **options: Any) -> tuple[Outcome, Heard]:
    plan = plan_suite(plugins.registry, folder / "suite.yaml", overrides=overrides, **options)
    return go(plugins, folder, plan)


def go(plugins: Plugins, folder: Path, plan: Any) -> tuple[Outcome, Heard]:
    heard = Heard()
    return run_plan(plugins, plan, folder / "out", device="cpu", listener=heard), heard


def content(path: Path) -> Any:
    return json.loads(path.read_text())


def test_a_suite_from_start_to_end(plugins: Plugins, folder: Path) -> None:
    outcome, heard = run(plugins, folder)
    # Seed by seed, so that all rows are there early.
    expected = [f"{label} {seed}" for seed in (0, 1) for label in ("clip4clip-meanp", "pooled", "untrained")]
    assert heard.started_runs == expected
    assert [f"{run.record.label} {run.record.seed}" for run in outcome.finished] == expected
    assert not outcome.failures
    for shares in heard.shares.values():
        assert shares == sorted(shares)
        assert shares[-1] == 1
    suite = content(folder / "out" / "suite.json")
    jsonschema.validate(suite, SuiteRecord.model_json_schema())
    assert suite["rows"] == ["clip4clip-meanp", "pooled", "untrained"]
    assert suite["comparisons"][0]["against"] == "untrained"
    assert {run["state"] for run in suite["runs"]} == {"finished"}
    for finished in outcome.finished:
        check_run(finished, plugins)
    fingerprints = {run.record.fingerprint for run in outcome.finished}
    assert len(fingerprints) == 1, "rows of one suite stand in one table"
    assert len({run.record.identity for run in outcome.finished}) == 6
    # Nothing of the work is left.
    assert {path.name for path in (folder / "out" / "runs").iterdir()} == {
        ".lock",
        *(run.folder.name for run in outcome.finished),
    }


def check_run(run: FinishedRun, plugins: Plugins) -> None:
    record = run.record
    assert {path.name for path in run.folder.iterdir()} == set(FILES)
    jsonschema.validate(content(run.folder / "record.json"), RunRecord.model_json_schema())
    assert re.fullmatch(r"[a-z0-9-]+-seed\d-[0-9a-f]{12}", run.folder.name)
    assert load_recipe(plugins.registry, run.folder / "config.yaml").digest == record.identity_parts.config
    assert record.dataset == "tiny small"
    assert len(record.test_access) == 1
    assert not any("/" in str(value) for value in record.fingerprint_fields.values())
    ranks = content(run.folder / "ranks.json")
    for direction in ("t2v", "v2t"):
        side = ranks[direction]
        ranking = Ranking(
            *(torch.tensor(side[key]).numpy() for key in ("above", "size", "relevant")),
            torch.arange(len(side["query"]) + 1).numpy(),
            side["items"],
        )
        recall = plugins.registry.create_all("metric")["recall"](ranking, "expected")
        assert recall["r1"] == pytest.approx(record.metrics[direction].expected["r1"])
        for above, size, top, cluster in zip(
            side["above"], side["size"], side["top"], side["cluster"], strict=True
        ):
            if size == 1 and above < len(top):
                assert top[above] == cluster
    history = content(run.folder / "history.json")
    assert len(history["epochs"]) == (2 if record.trained else 0)
    assert (record.selection is not None) == record.trained
    assert (record.cost.train_seconds is not None) == record.trained
    weights = load_file(run.folder / "model.safetensors")
    assert {name.partition(".")[0] for name in weights} == {"encoder", "head"}
    if record.selection is not None:
        best = max(history["epochs"], key=lambda epoch: epoch["val"]["t2v"]["r1"])
        assert record.selection.epoch == best["epoch"]


def test_a_finished_run_is_not_repeated(plugins: Plugins, folder: Path) -> None:
    first, _ = run(plugins, folder)
    before = {run.folder: (run.folder / "record.json").stat().st_mtime_ns for run in first.finished}
    second, heard = run(plugins, folder)
    assert heard.started_runs == []
    assert len(heard.reused_runs) == 6
    assert {run.folder: (run.folder / "record.json").stat().st_mtime_ns for run in second.finished} == before


def test_an_override_repeats_only_the_rows_that_it_reaches(plugins: Plugins, folder: Path) -> None:
    run(plugins, folder, seeds=(0,))
    outcome, heard = run(plugins, folder, "views.video.dropout=0.1", seeds=(0,))
    assert heard.started_runs == ["pooled views.video.dropout=0.1 0"]
    assert heard.reused_runs == ["clip4clip-meanp 0", "untrained 0"]
    record = outcome.finished[1].record
    assert (record.recipe, record.overrides) == ("xpool", ("views.video.dropout=0.1",))
    # The row as it was is still on the board, beside it.
    labels = [run.record.label for run in RunsFolder(folder / "out").finished()]
    assert sorted(labels) == ["clip4clip-meanp", "pooled", "pooled views.video.dropout=0.1", "untrained"]


def test_another_protocol_stands_beside_and_has_another_fingerprint(plugins: Plugins, folder: Path) -> None:
    first, _ = run(plugins, folder, seeds=(0,))
    second, heard = run(plugins, folder, "training.epochs=1", seeds=(0,))
    assert len(heard.started_runs) == 3
    prints = [{run.record.fingerprint for run in outcome.finished} for outcome in (first, second)]
    assert [len(found) for found in prints] == [1, 1]
    assert prints[0] != prints[1]
    assert len(RunsFolder(folder / "out").finished()) == 6


def test_the_same_run_under_another_label(plugins: Plugins, folder: Path) -> None:
    first, _ = run(plugins, folder, seeds=(0,))
    suite = folder / "suite.yaml"
    suite.write_text(suite.read_text().replace("pooled", "X-Pool!"))
    second, heard = run(plugins, folder, seeds=(0,))
    assert heard.started_runs == []
    old, new = first.finished[1], second.finished[1]
    assert (new.record.label, new.record.identity) == ("X-Pool!", old.record.identity)
    assert new.folder.name.startswith("x-pool-seed0-")
    assert not old.folder.exists()


def test_rows_that_swap_their_labels_are_not_repeated(plugins: Plugins, folder: Path) -> None:
    suite = folder / "suite.yaml"
    rows = "protocol: tiny.yaml\nrows:\n  - {{recipe: xpool, label: {}}}\n  - {{recipe: xclip, label: {}}}\n"
    suite.write_text(rows.format("a", "b"))
    first, _ = run(plugins, folder)
    suite.write_text(rows.format("b", "a"))
    second, heard = run(plugins, folder)
    assert heard.started_runs == []
    assert [run.record.identity for run in second.finished] == [run.record.identity for run in first.finished]
    assert [run.record.label for run in second.finished] == ["b", "a"]
    assert len(RunsFolder(folder / "out").finished()) == 2
    assert not (folder / "out" / "superseded").exists()


AGGREGATOR = """\
from tcmgc import hookimpl


class Middle:
    def __call__(self, parts):
        return parts.mean(dim=-1) * {factor}


@hookimpl
def tcmgc_register(register):
    register.aggregator("middle", Middle)
"""


def with_plugin(file: Path) -> Plugins:
    loaded = Plugins()
    loaded.load_installed()
    for path in (*(Path(__file__).parent / name for name in ("tiny_data.py", "tiny_encoder.py")), file):
        loaded.load_file(path)
    return loaded


def test_a_component_whose_source_changed_is_computed_again(folder: Path) -> None:
    file = folder / "middle.py"
    file.write_text(AGGREGATOR.format(factor=1))
    (folder / "suite.yaml").write_text(
        "protocol: tiny.yaml\nrows:\n  - clip4clip-meanp\n"
        "  - {recipe: xclip, label: middle, set: [aggregator=middle]}\n"
    )
    first, _ = run(with_plugin(file), folder)
    file.write_text(AGGREGATOR.format(factor=2))
    plugins = with_plugin(file)
    # Another plan in the same folder tells that it is stale, and leaves it.
    go(plugins, folder, plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml"))
    assert content(folder / "out" / "suite.json")["stale"] == {
        first.finished[1].folder.name: ["the source of the aggregator middle changed"]
    }
    second, heard = run(plugins, folder)
    assert heard.started_runs == ["middle 0"]
    assert heard.stale == {"middle 0": ["the source of the aggregator middle changed"]}
    assert first.finished[1].record.identity != second.finished[1].record.identity
    # The old one is put aside, where no report looks.
    assert not first.finished[1].folder.exists()
    assert (folder / "out" / "superseded" / first.finished[1].folder.name / "record.json").is_file()
    assert content(folder / "out" / "suite.json")["stale"] == {}


def test_a_changed_recipe_replaces_its_row(plugins: Plugins, folder: Path) -> None:
    mine = folder / "mine.yaml"
    mine.write_text("base: xpool\nprotocol: tiny.yaml\n")
    first, _ = go(plugins, folder, plan_recipe(plugins.registry, mine))
    mine.write_text("base: xpool\nprotocol: tiny.yaml\nviews: {video: {dropout: 0.0}}\n")
    second, _ = go(plugins, folder, plan_recipe(plugins.registry, mine))
    assert [run.folder for run in RunsFolder(folder / "out").finished()] == [second.finished[0].folder]
    assert not first.finished[0].folder.exists()


@pytest.mark.parametrize(("how", "said"), [("raise", "no loss today"), ("nan", "a loss of nan")])
def test_a_run_that_fails_stops_no_other(plugins: Plugins, folder: Path, how: str, said: str) -> None:
    suite = folder / "suite.yaml"
    suite.write_text(
        "protocol: tiny.yaml\nrows:\n"
        f"  - {{recipe: xpool, label: broken, set: ['losses.failing={{how: {how}}}']}}\n  - clip4clip-meanp\n"
    )
    outcome, heard = run(plugins, folder)
    assert [run.record.label for run in outcome.finished] == ["clip4clip-meanp"]
    (failure,) = outcome.failures
    assert (failure.label, failure.seed) == ("broken", 0)
    assert said in str(failure.error)
    assert said in heard.failures[0]
    states = {run["label"]: run for run in content(folder / "out" / "suite.json")["runs"]}
    assert states["broken"]["state"] == "failed"
    assert said in states["broken"]["error"]
    assert states["clip4clip-meanp"]["state"] == "finished"
    # A failed run is tried again, a finished one is not.
    assert run(plugins, folder)[1].started_runs == ["broken 0"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{recipe: xpool, set: [views.video.heads=3]}", "heads"),
        ("{recipe: xpool, set: [training.selection.metric=r2]}", "'r2'"),
        ("{recipe: xpool, set: [losses.infonce=null]}", "no loss"),
        ("{recipe: ucofia}", "patches"),
        ("{recipe: xpool, set: [encoder.words=100, training.optimizer=null]}", "optimizer"),
        ("{recipe: xpool, set: [reader=null]}", "reader of recipe 'xpool'"),
    ],
)
def test_a_mistake_in_the_last_row_is_said_before_anything_starts(
    plugins: Plugins, folder: Path, row: str, said: str
) -> None:
    (folder / "suite.yaml").write_text(f"protocol: tiny.yaml\nrows:\n  - clip4clip-meanp\n  - {row}\n")
    plan = plan_suite(plugins.registry, folder / "suite.yaml")
    heard = Heard()
    with pytest.raises(ConfigError, match=said):
        run_plan(plugins, plan, folder / "out", device="cpu", listener=heard)
    assert heard.started_runs == []


def test_one_process_at_a_time(plugins: Plugins, folder: Path) -> None:
    plan = plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml")
    runs = RunsFolder(folder / "out")
    with runs.locked(), pytest.raises(DataError, match="another `tcmgc run`"):
        run_plan(plugins, plan, folder / "out", device="cpu")
    assert len(run_plan(plugins, plan, folder / "out", device="cpu").finished) == 1


def test_plugins_are_told(plugins: Plugins, folder: Path) -> None:
    file = folder / "listens.py"
    file.write_text(
        "import json\nfrom tcmgc import hookimpl\n\n\n@hookimpl\ndef tcmgc_runs_finished(directory):\n"
        "    suite = json.loads((directory / 'suite.json').read_text())\n"
        "    (directory / 'told').write_text(suite['runs'][0]['state'])\n"
        "    if (directory / 'fail').exists():\n        raise RuntimeError('no ink')\n"
    )
    plugins.load_file(file)
    plan = plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml")
    go(plugins, folder, plan)
    assert (folder / "out" / "told").read_text() == "finished"
    (folder / "out" / "fail").touch()
    with pytest.raises(PluginError, match=r"RuntimeError: no ink[\s\S]*the runs are safe"):
        go(plugins, folder, plan)


def test_the_same_seed_gives_the_same_numbers(plugins: Plugins, folder: Path) -> None:
    plan = plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml", seeds=(3,))
    first, second = (run_plan(plugins, plan, folder / name, device="cpu") for name in ("a", "b"))
    one, two = first.finished[0], second.finished[0]
    assert one.record.metrics == two.record.metrics
    assert one.record.identity == two.record.identity
    a, b = (load_file(run.folder / "model.safetensors") for run in (one, two))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_killed_before_its_renaming_is_only_renamed(plugins: Plugins, folder: Path) -> None:
    plan = plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml")
    finished = go(plugins, folder, plan)[0].finished[0]
    work = finished.folder.with_name(f".work-{finished.record.identity[:12]}")
    shutil.move(finished.folder, work)
    (work / "training").mkdir()
    again, heard = go(plugins, folder, plan)
    assert heard.started_runs == ["xpool 0"]
    assert set(heard.shares.get("xpool 0", [])) == set()
    assert again.finished[0].record == finished.record
    assert {path.name for path in finished.folder.iterdir()} == set(FILES)


def test_a_damaged_record_names_the_run(plugins: Plugins, folder: Path) -> None:
    plan = plan_recipe(plugins.registry, "xpool", protocol=folder / "tiny.yaml")
    finished = go(plugins, folder, plan)[0].finished[0]
    record = finished.folder / "record.json"
    record.write_text(record.read_text()[:100])
    with pytest.raises(DataError, match="damaged JSON"):
        read_run(finished.folder)
    record.write_text('{"schema_version": 1}')
    with pytest.raises(DataError, match=r"record.json: label[\s\S]*delete"):
        read_run(finished.folder)

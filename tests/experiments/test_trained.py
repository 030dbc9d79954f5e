"""A finished run as a model, and evaluating without training."""

from __future__ import annotations

import errno
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

import tcmgc
from tcmgc import ConfigError, DataError, app
from tcmgc.cli.main import cli
from tcmgc.data.cache_folder import cache_folder
from tcmgc.experiments import evaluate_source
from tcmgc.experiments.evaluate_source import HeadOnlyWarning, UnloggedWarning
from tcmgc.experiments.trained import StaleRunWarning
from tcmgc.ranking import Direction
from tcmgc.runs import run_folder
from tcmgc.runs.record import TestAccess
from tcmgc.runs.run_folder import RunsFolder, change_record

PLUGINS = [Path(__file__).parent / name for name in ("tiny_data.py", "tiny_encoder.py")]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tcmgc.runs.run_folder import FinishedRun


@pytest.fixture
def current(plugins: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process's plugins are the tiny ones: what `tcmgc.run` and the command line use."""
    app.current_plugins.cache_clear()
    for file in PLUGINS:
        app.current_plugins().load_file(file)
    yield
    app.current_plugins.cache_clear()


@pytest.fixture
def finished(current: None, folder: Path) -> FinishedRun:
    outcome = tcmgc.run("xpool", folder / "out", protocol=folder / "tiny.yaml", device="cpu", seeds=(1,))
    return outcome.finished[0]


def metrics(found: dict[str, Any]) -> dict[str, Any]:
    return {direction: numbers["values"] for direction, numbers in found["metrics"].items()}


def test_similarity_of_texts_and_files_is_what_was_evaluated(finished: FinishedRun) -> None:
    model = tcmgc.load(finished.folder, device="cpu")
    split = model.split("test")
    texts, videos = [caption.text for caption in split.captions], [clip.path for clip in split.clips]
    similarity = model.similarity(texts, videos)
    assert similarity.shape == (8, 8)
    found = tcmgc.metrics(similarity, split.clip_of_caption)
    assert found["t2v"]["values"] == finished.record.metrics["t2v"].values
    some = model.similarity(texts[2:4], [str(videos[5])])
    assert torch.allclose(some, similarity[2:4, 5:6], atol=1e-5)
    assert set(model.scores(texts[:1], videos[:1]).parts) == {"video-sentence"}


def test_wrong_texts_and_videos(finished: FinishedRun, tmp_path: Path) -> None:
    model = tcmgc.load(finished.folder, device="cpu")
    with pytest.raises(DataError, match="a list of sentences"):
        model.similarity("a0 b1 c2", ["x.npy"])
    with pytest.raises(DataError, match="a list of paths"):
        model.similarity(["a0 b1 c2"], [])
    with pytest.raises(DataError, match=r"missing\.npy"):
        model.similarity(["a0 b1 c2"], [tmp_path / "missing.npy"])


def test_a_folder_that_is_no_run(current: None, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"record\.json"):
        tcmgc.load(tmp_path)


def test_a_run_whose_source_changed_is_said_to_be_stale(finished: FinishedRun) -> None:
    record = json.loads((finished.folder / "record.json").read_text())
    record["identity_parts"]["sources"]["view attention"] = "0" * 64
    (finished.folder / "record.json").write_text(json.dumps(record))
    with pytest.warns(StaleRunWarning, match="the source of the view attention changed"):
        tcmgc.load(finished.folder, device="cpu")


def accesses(finished: FinishedRun) -> list[str]:
    record = json.loads((finished.folder / "record.json").read_text())
    return [access["reason"] for access in record["test_access"]][1:]


def test_evaluating_a_stale_run_says_so(finished: FinishedRun, folder: Path) -> None:
    assert tcmgc.evaluate(finished.folder, split="val", device="cpu")["stale"] == []
    record = json.loads((finished.folder / "record.json").read_text())
    record["identity_parts"]["sources"]["view attention"] = "0" * 64
    (finished.folder / "record.json").write_text(json.dumps(record))
    with pytest.warns(StaleRunWarning, match="the source of the view attention changed"):
        found = tcmgc.evaluate(finished.folder, split="val", device="cpu")
    assert found["stale"] == ["the source of the view attention changed"]
    arguments = ["evaluate", str(finished.folder), "--split", "val", "--device", "cpu"]
    out = folder / "numbers.json"
    result = CliRunner().invoke(cli, [*arguments, "--out", str(out)], catch_exceptions=False)
    assert "warning: run" in result.stderr
    assert json.loads(out.read_text())["stale"] == found["stale"]


def test_only_readings_of_the_runs_own_test_split_are_logged(finished: FinishedRun) -> None:
    tcmgc.evaluate(finished.folder, overrides=["dataset=tiny"], device="cpu")
    tcmgc.evaluate(finished.folder, overrides=["sampler.frames=2"], device="cpu")
    tcmgc.evaluate(finished.folder, overrides={"dataset": {"name": "tiny", "shade": 5}}, device="cpu")
    assert accesses(finished) == ["tcmgc evaluate dataset=tiny", "tcmgc evaluate sampler.frames=2"]


def test_a_reading_is_logged_before_it_happens(
    finished: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("after the lights went out")

    monkeypatch.setattr(evaluate_source, "evaluate_split", fail)
    with pytest.raises(RuntimeError, match="lights"):
        tcmgc.evaluate(finished.folder, device="cpu")
    assert accesses(finished) == ["tcmgc evaluate"]


def test_readings_at_the_same_time_are_all_logged(finished: FinishedRun) -> None:
    def log(number: int) -> None:
        change_record(finished.folder, {}, [TestAccess(time="now", reason=str(number))])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log, range(40)))
    assert sorted(accesses(finished), key=int) == [str(number) for number in range(40)]


def test_a_new_label_keeps_what_was_logged_meanwhile(finished: FinishedRun, folder: Path) -> None:
    runs = RunsFolder(folder / "out")
    (known,) = runs.finished()
    tcmgc.evaluate(finished.folder, device="cpu")
    renamed = runs.relabel(known, {"label": "new"})
    assert renamed.folder.name.startswith("new-seed1-")
    assert [access.reason for access in renamed.record.test_access[1:]] == ["tcmgc evaluate"]


def test_a_run_where_nothing_can_be_written_is_evaluated(
    finished: FinishedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(run_folder, "write_json", refuse)
    with pytest.warns(UnloggedWarning, match=r"cannot be written into its record \(Permission denied\)"):
        found = tcmgc.evaluate(finished.folder, device="cpu")
    assert metrics(found) == {key: side.values for key, side in finished.record.metrics.items()}


NEEDS = {"dual-softmax": "test-queries", "qb-norm": "bank", "sinkhorn": "bank"}


@pytest.mark.parametrize("normalizer", [*NEEDS])
def test_similarity_is_normalised_as_the_recipe_says(current: None, folder: Path, normalizer: str) -> None:
    finished = tcmgc.run(
        "xpool",
        folder / "out",
        protocol=folder / "tiny.yaml",
        overrides=[f"normalizer={normalizer}"],
        device="cpu",
    ).finished[0]
    assert finished.record.normalizer is not None
    assert finished.record.normalizer.model_dump() == {"name": normalizer, "needs": NEEDS[normalizer]}
    assert normalizer in finished.record.fingerprint_fields["normalizer"]
    model = tcmgc.load(finished.folder, device="cpu")
    split = model.split("test")
    texts, videos = [caption.text for caption in split.captions], [clip.path for clip in split.clips]
    assert not torch.allclose(model.similarity(texts, videos), model.scores(texts, videos).total)
    for direction in get_args(Direction):
        similarity = model.similarity(texts, videos, direction)
        assert similarity.device.type == "cpu"
        found = tcmgc.metrics(similarity, split.clip_of_caption)[direction]
        assert found["values"] == finished.record.metrics[direction].values


def test_evaluating_a_run_repeats_its_numbers_and_is_logged(finished: FinishedRun) -> None:
    found = tcmgc.evaluate(finished.folder, device="cpu")
    assert metrics(found) == {key: side.values for key, side in finished.record.metrics.items()}
    assert found["fingerprint"] == finished.record.fingerprint
    assert found["recipe"] == "xpool"
    tcmgc.evaluate(finished.folder, split="val", device="cpu")
    record = json.loads((finished.folder / "record.json").read_text())
    assert [access["reason"] for access in record["test_access"]] == [
        "evaluation of the selected weights",
        "tcmgc evaluate",
    ]


def test_evaluating_on_another_data_set(finished: FinishedRun) -> None:
    found = tcmgc.evaluate(finished.folder, overrides={"dataset": {"name": "tiny", "shade": 5}}, device="cpu")
    assert found["fingerprint"] == finished.record.fingerprint  # the stub's version says nothing of shades
    assert metrics(found) != {key: side.values for key, side in finished.record.metrics.items()}


def test_the_commands(finished: FinishedRun, folder: Path) -> None:
    out = folder / "numbers.json"
    arguments = ["evaluate", str(finished.folder), "--dataset", "tiny", "--device", "cpu", "--out", str(out)]
    said = CliRunner().invoke(cli, arguments, catch_exceptions=False).stdout
    assert "xpool on tiny small, test split" in said
    assert f"{finished.record.metrics['t2v'].values['r1']:.1f}" in said
    written = json.loads(out.read_text())
    assert written["schema_version"] == 1
    assert metrics(written) == {key: side.values for key, side in finished.record.metrics.items()}
    again = ["run", "xpool", "--protocol", str(folder / "tiny.yaml"), "--seeds", "1", "--device", "cpu"]
    result = CliRunner().invoke(cli, [*again, "--out", str(folder / "out")], catch_exceptions=False)
    assert "run 1 of 1, xpool, seed 1" in result.stderr
    assert "finished before" in result.stderr
    listed = CliRunner().invoke(cli, ["run", "--list"], catch_exceptions=False).stdout
    registry = app.current_registry()
    for files in (registry.suite_files, registry.recipe_files, registry.protocol_files):
        assert all(name in listed for name in files)


def test_a_checkpoint_under_our_names_and_of_the_head_alone(finished: FinishedRun, folder: Path) -> None:
    weights = load_file(finished.folder / "model.safetensors")
    full, head = folder / "full.safetensors", folder / "head.safetensors"
    shutil.copy(finished.folder / "model.safetensors", full)
    save_file({n.removeprefix("head."): t for n, t in weights.items() if n.startswith("head.")}, head)
    options: dict[str, Any] = {"recipe": "xpool", "protocol": folder / "tiny.yaml", "device": "cpu"}
    assert metrics(tcmgc.evaluate(full, **options)) == {
        key: side.values for key, side in finished.record.metrics.items()
    }
    with pytest.warns(HeadOnlyWarning, match="no weights named"):
        tcmgc.evaluate(head, **options)
    with pytest.raises(DataError, match=r"head\.scorer"):
        tcmgc.evaluate(full, recipe="clip4clip-meanp", protocol=folder / "tiny.yaml", device="cpu")


def test_wrong_sources(finished: FinishedRun, folder: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        tcmgc.evaluate(folder / "missing")
    with pytest.raises(DataError, match=r"a folder of runs[\s\S]*xpool-seed1"):
        tcmgc.evaluate(folder / "out")
    with pytest.raises(ConfigError, match="--recipe NAME"):
        tcmgc.evaluate(finished.folder / "model.safetensors")
    with pytest.raises(ConfigError, match="a run has its own"):
        tcmgc.evaluate(finished.folder, recipe="xpool")
    with pytest.raises(ConfigError, match="no recipe and no suite of that name"):
        tcmgc.run("xpol", folder / "out")
    with pytest.raises(ConfigError, match="variants"):
        tcmgc.run(folder / "suite.yaml", folder / "out", variant="corrected")
    (folder / "no-data.yaml").write_text("base: xpool\nprotocol: null\n")
    with pytest.raises(ConfigError, match=r"dataset of recipe[\s\S]*--protocol"):
        tcmgc.run(folder / "no-data.yaml", folder / "out")


def test_the_frames_are_the_tiny_ones() -> None:
    """The tests above compare numbers of data that are not all alike."""
    frames = [np.load(path) for path in sorted((cache_folder() / "datasets" / "tiny-0").glob("*.npy"))]
    assert len({array.tobytes() for array in frames}) == len(frames) == 26

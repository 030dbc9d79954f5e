"""``tcmgc import`` and ``tcmgc export`` at the terminal, and evaluating what was imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from click.testing import CliRunner

import tcmgc
from official_checkpoints import mixed, official_state
from tcmgc import app
from tcmgc.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

DATASET = """\
import sys
from pathlib import Path

from tcmgc import hookimpl

sys.path.insert(0, TESTS)
from video_files import VideoFolder


class Folder(VideoFolder):
    def __init__(self, *, folder: str) -> None:
        super().__init__(Path(folder), frames=12)


@hookimpl
def tcmgc_register(register):
    register.dataset("video-files", Folder)
"""


@pytest.fixture(autouse=True)
def fresh_plugins() -> Iterator[None]:
    app.current_plugins.cache_clear()
    yield
    app.current_plugins.cache_clear()


def run(*arguments: object) -> Any:
    return CliRunner().invoke(cli, [str(word) for word in arguments], catch_exceptions=False)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    state = mixed(official_state("xclip")) | {"unknown": torch.ones(1)}
    del state["local_mat_weight"]
    torch.save(state, tmp_path / "theirs.bin")
    return tmp_path / "theirs.bin"


def test_what_was_done_is_said_and_written(theirs: Path, tmp_path: Path) -> None:
    out = tmp_path / "ours"
    said = run("import", theirs, "--recipe", "xclip", "--out", out, "--partial").stdout
    record = json.loads((out / "import.json").read_text())
    count = len(record["mapped"])
    assert f"mapped   {count}" in said
    assert f"... and {count - 6} more" in said
    first = record["mapped"][0]
    assert f"{first['official'][0]} -> {first['ours']} ({first['dtype']})" in said
    assert "unknown: not known to the recipe" in said
    assert "head.scorer.granularities.frame-word.text_matrix" in said
    assert f"all names are in {out}/import.json" in said
    assert sorted(path.name for path in out.iterdir()) == ["config.yaml", "import.json", "model.safetensors"]


def test_layers_that_are_read_are_said(tmp_path: Path) -> None:
    state = official_state("xclip", overrides=["stages.video.0.layers=1"])
    torch.save(state, tmp_path / "theirs.bin")
    out = tmp_path / "ours"
    said = run("import", tmp_path / "theirs.bin", "--recipe", "xclip", "--out", out).stdout
    assert "stages.video.0.layers is 1: the checkpoint has as many" in said
    assert "layers: 1" in (out / "config.yaml").read_text()


def test_a_failed_import_says_why_and_leaves_nothing(theirs: Path, tmp_path: Path) -> None:
    with pytest.raises(tcmgc.DataError, match="--partial imports what fits"):
        run("import", theirs, "--recipe", "xclip", "--out", tmp_path / "ours")
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.bin"]


def test_export_says_types(tmp_path: Path) -> None:
    torch.save(mixed(official_state("xclip")), tmp_path / "theirs.bin")
    run("import", tmp_path / "theirs.bin", "--recipe", "xclip", "--out", tmp_path / "ours")
    said = run("export", tmp_path / "ours", "--out", tmp_path / "back.bin").stdout
    assert "float16" in said
    assert "float32" in said
    said = run("export", tmp_path / "ours", "--out", tmp_path / "a.pth", "--types", "float32").stdout
    assert "float16" not in said
    with pytest.raises(tcmgc.ConfigError, match="one of clip, hf"):
        run("export", tmp_path / "ours", "--out", tmp_path / "b.pth", "--names", "ours")
    with pytest.raises(tcmgc.DataError, match="a file that is read"):
        run("export", tmp_path / "ours", "--out", tmp_path / "ours" / "model.safetensors")


def test_what_was_imported_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a data set; the numbers are those of the scores of its files and captions."""
    monkeypatch.setenv("TCMGC_CACHE", str(tmp_path / "cache"))
    torch.save(official_state("clip4clip-meanp"), tmp_path / "theirs.bin")
    out = tmp_path / "ours"
    run(
        "import", tmp_path / "theirs.bin", "--recipe", "clip4clip-meanp", "--out", out, "--set", "reader=pyav"
    )
    plugin = tmp_path / "data.py"
    plugin.write_text(DATASET.replace("TESTS", repr(str(Path(__file__).parents[1]))))
    dataset = f"dataset={{name: video-files, folder: {tmp_path / 'videos'}}}"
    numbers = tmp_path / "numbers.json"
    said = run("evaluate", out, dataset, "--device", "cpu", "--out", numbers, "--plugin", plugin).stdout
    assert "clip4clip-meanp on video-files, test split" in said
    found = json.loads(numbers.read_text())
    assert found["recipe"] == "clip4clip-meanp"
    assert found["stale"] == []
    model = tcmgc.load(out, device="cpu", overrides=[dataset])
    split = model.split("test")
    similarity = model.similarity([c.text for c in split.captions], [c.path for c in split.clips])
    assert found["metrics"]["t2v"]["values"] == tcmgc.metrics(similarity)["t2v"]["values"]
    with pytest.raises(tcmgc.ConfigError, match="an imported checkpoint has its own"):
        run("evaluate", out, "--recipe", "xclip")
    with pytest.raises(tcmgc.ConfigError, match="dataset of recipe"):
        run("evaluate", out)
